/** People who log in through the API server all the time, and what becomes of them while something happens. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { load } from 'js-yaml'
import type { Test } from 'tap'
import { CHART, step } from '../chart-install/release.js'
import { usersFile } from '../e2e/webhook.js'
import { alice } from '../fixtures/people.js'
import { until } from '../fixtures/waiting.js'
import type { Nodes } from './nodes.js'
import { processOf, selector, settled, type Pod } from './pods.js'

/** Logins a second. */
export const RATE = 50
/** Each logs in every four seconds, to an API server that remembers nobody: `cacheTTL: '0s'`. */
const CROWD = Array.from({ length: 200 }, (_, index) => ({ ...alice, user: { username: `login-${index}` }, token: `canary-login-${index}-8d2f5a70c1` }))

/** A release whose users they are, and the API server that asks it, as the notes say. */
export async function installForLogins (t: Test, cluster: Nodes): Promise<void> {
  const cwd = t.testdir({ 'users.yaml': 'users: []' })
  const notes = await cluster.shell(`helm install authn-webhook ${CHART} --namespace kube-system`)
  await settled(cluster)
  await addCrowd(cluster, join(cwd, 'users.yaml'))
  await cluster.shell(step(notes, 3), cwd)
  await cluster.restart(join(cwd, 'webhook.yaml'))
}

/** Gives them to the pods, in addition to who is in a users file, by the commands of the documentation. */
export async function addCrowd ({ shell }: Nodes, file: string): Promise<void> {
  const { users } = load(await readFile(file, 'utf8')) as { users: object[] }
  await writeFile(file, usersFile(CROWD, users))
  await shell(`kubectl -n kube-system create secret generic authn-webhook-users --from-file=users.yaml=${file} --dry-run=client -o yaml | kubectl apply --server-side --force-conflicts -f -`)
  const annotate = async (): Promise<unknown> => await shell(`kubectl -n kube-system annotate pods -l ${selector()} --overwrite authn-webhook/users-changed="$(date +%s%N)"`)
  const loaded = `"users":${CROWD.length + users.length},`
  await until('both pods to know them', async () => {
    // again and again: the kubelet of a busy machine may hear of this before it hears of the Secret
    await annotate()
    await sleep(1_000)
    return (await shell(`kubectl -n kube-system logs -l ${selector()} --tail=-1`)).split(loaded).length === 3
  })
}

/** Those that the API server has a connection to. */
export async function askedPods (cluster: Nodes): Promise<Pod[]> {
  const asked: Pod[] = []
  for (const pod of await settled(cluster)) {
    const connections = await cluster.nodes[0]!.run(`nsenter --net=/proc/${await processOf(pod)}/ns/net ss -Htn state established sport = :8443`)
    // the API server's own; probes go to another port
    if (connections !== '') asked.push(pod)
  }
  return asked
}

export interface Logins {
  readonly count: number
  readonly lost: number
  /** Seconds from the beginning to the first and the last one that was lost; 0 where none was. */
  readonly lostFrom: number
  readonly lostUntil: number
  /** One line for the test output. */
  readonly summary: string
}

/** Lets them log in while something happens, whatever became of those before, until the last has an answer. */
export async function loginsDuring (cluster: Nodes, change: () => Promise<void>): Promise<Logins> {
  const logged = (await cluster.log()).length
  const began = performance.now()
  const seconds = (): number => (performance.now() - began) / 1000
  const lost: Array<{ at: number, why: string }> = []
  let longest = 0
  const login = async (index: number): Promise<void> => {
    const { token, user: { username } } = CROWD[index % CROWD.length]!
    const at = seconds()
    const why = await cluster.call(token).then(({ code, body }) => code === 403 && body.message.includes(`User "${username}" cannot list`) ? undefined : `${code} ${body.message}`, String)
    longest = Math.max(longest, seconds() - at)
    if (why !== undefined) lost.push({ at, why })
  }
  const over = new AbortController()
  const changing = change().finally(() => { over.abort() })
  const logins: Array<Promise<void>> = []
  while (!over.signal.aborted || logins.length < RATE) {
    for (const due = seconds() * RATE; logins.length < due;) logins.push(login(logins.length))
    await sleep(5)
  }
  await changing
  await Promise.all(logins)
  const errors = new Set([...(await cluster.log()).slice(logged).matchAll(/Unable to authenticate the request due to an error: (.*)/g)].map(([, error]) => `\n  ${error}`))
  const reasons = [...new Set(lost.map(({ why }) => why))].map(reason => {
    const times = lost.filter(({ why }) => why === reason).map(({ at }) => at)
    return `; ${reason}: ${times.length}, ${Math.min(...times).toFixed(1)} to ${Math.max(...times).toFixed(1)} s after the beginning`
  })
  return {
    count: logins.length,
    lost: lost.length,
    lostFrom: lost[0]?.at ?? 0,
    lostUntil: Math.max(0, ...lost.map(({ at }) => at)),
    summary: `${logins.length} logins in ${seconds().toFixed(1)} s, the longest ${longest.toFixed(2)} s, lost: ${lost.length}${reasons.join('')}${[...errors].join('')}`
  }
}

/** Expects that nobody notices. */
export async function loseNone (t: Test, cluster: Nodes, change: () => Promise<void>): Promise<void> {
  const { lost, summary } = await loginsDuring(cluster, change)
  t.comment(summary)
  t.equal(lost, 0, summary)
}
