/** How soon a change of the users Secret reaches the pods and the API server. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { CHART, step } from '../chart-install/release.js'
import { startNodes } from './nodes.js'
import { settled } from './pods.js'

/** Seconds that the API server remembers an answer; its own default is 120. */
const CACHE = 5
/** Seconds beyond the documented delay that a busy machine may take. */
const SLACK = 20

test('users', async t => {
  const cwd = t.testdir({})
  const cluster = await startNodes(t, { cacheTTL: `${CACHE}s` })
  const { shell } = cluster
  const notes = await shell(`helm install authn-webhook ${CHART} --namespace kube-system`)
  await settled(cluster)
  await shell(step(notes, 3), cwd)
  await cluster.restart(join(cwd, 'webhook.yaml'))
  // after the restart: by the time that this user can log in, the kubelet watches Secrets again
  const [, token] = /token laptop: (\S+)/.exec(await shell(step(notes, 2), cwd))!
  const annotate = step(notes, 2).split('\n').at(-1)!
  const isKnown = async (): Promise<boolean> => (await cluster.call(token!)).code === 403
  /** @param repeat every five seconds, as docs/operations.md says. @returns after how many seconds it is so */
  const secondsUntil = async (known: boolean, repeat?: string): Promise<number> => {
    const began = performance.now()
    for (let round = 1; await isKnown() !== known; round++) {
      await sleep(200)
      if (repeat !== undefined && round % 25 === 0) await shell(repeat)
    }
    return (performance.now() - began) / 1000
  }

  await t.test('a new user logs in', async t => {
    t.comment(`${(await secondsUntil(true, annotate)).toFixed(1)} s after the annotation`)
    t.ok(await isKnown())
  })

  const [command] = /(?<=With the Helm chart:\n\n +```sh\n)[\s\S]*?(?= +```\n)/.exec(await readFile('docs/operations.md', 'utf8'))!

  await t.test('a disabled user is out within the documented time', async t => {
    await shell(command, cwd)
    const seconds = await secondsUntil(false, annotate)
    t.comment(`${seconds.toFixed(1)} s after the annotation, with an API server that remembers for ${CACHE} s`)
    t.ok(seconds <= 0.7 + CACHE + 10 + SLACK, `${seconds} s`)
  })

  await t.test('without the annotation, when the kubelet looks by itself', async t => {
    const withoutAnnotation = command.replace(/ &&\n *kubectl [^\n]* annotate [^\n]*/, '').replace('disable', 'enable')
    t.notMatch(withoutAnnotation, 'annotate')
    await shell(withoutAnnotation, cwd)
    const seconds = await secondsUntil(true)
    t.comment(`${seconds.toFixed(1)} s`)
    t.ok(seconds <= 80 + CACHE + SLACK, `${seconds} s`)
  })
})
