// A users file of a hundred thousand is replaced while reviews run: how long they
// wait, and what the process takes at most.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { generate } from '../load/generate.mjs'
import { numberedToken } from '../people.mjs'
import * as peers from '../peers.mjs'
import { quietly } from '../quiet.mjs'
import { inRounds } from '../rounds.mjs'
import { startServer } from '../server.mjs'
import { configOf, numberedUsers } from '../world.mjs'

const WORK = 'reload of many users'
/** Reviews a second. */
const RATE = 1000
const PATIENCE = 60_000

export async function reload (bench) {
  const { world, plan, spare } = bench
  const text = numberedUsers(plan.many, { full: true })
  world.write('reloaded.yaml', text)
  const config = world.write('reload.yaml', configOf('{ name: static, kind: static, config: { usersFile: reloaded.yaml } }'))
  const service = await startServer(world, peers.service(world, { config, expected: [[numberedToken(0), 'user-0'], [numberedToken(plan.many), undefined]] }))
  await generate('many-tokens', service, { tokens: plan.many, requests: plan.warmUp })
  const reviews = async () => await generate('open-loop', service, { rate: RATE, seconds: plan.reload, token: numberedToken(0) })
  await inRounds(bench, WORK, [
    ['service, undisturbed', async () => await quietly(spare, service, reviews)],
    ['service', async () => await quietly(spare, service, async () => {
      const [figures, seconds] = await Promise.all([reviews(), replaced(world, service, `${text}# ${performance.now()}\n`)])
      return { ...figures, reload: seconds, peak: service.peakMemory / 1e6 }
    })]
  ])
  await world.stopServers()
}

/** Seconds until the service has the new one. */
async function replaced ({ dir }, service, text) {
  const file = join(dir, 'reloaded.yaml')
  writeFileSync(`${file}.new`, text, { mode: 0o600 })
  // the reviews are under way by now
  await delay(500)
  const before = loads(service)
  const started = performance.now()
  renameSync(`${file}.new`, file)
  while (loads(service) === before) {
    if (performance.now() - started > PATIENCE) throw new Error(`the users file was not reloaded${service.lastWords()}`)
    await delay(20)
  }
  return (performance.now() - started) / 1000
}

function loads (service) {
  return readFileSync(service.log, 'utf8').split('loaded users file').length
}
