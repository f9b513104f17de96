/**
 * Many people at work: each calls the API server again as soon as it has
 * answered, with a token that is new, so that no cache has the answer.
 */
import type { Test } from 'tap'
import type { Cluster } from './cluster.js'

export const CLIENTS = 200

/** Takes each `load-…` token for a user of that name, as late as a directory would. */
export const LOAD_FILES = {
  'load.mjs': `
    export default {
      contract: 1,
      kind: 'load',
      schema: { type: 'object' },
      open: () => ({ authenticateToken: async token => {
        if (!token.startsWith('load-')) return null
        await new Promise(resolve => setTimeout(resolve, 20 + 160 * Math.random()))
        return { user: { username: token } }
      } })
    }`
}

export const LOAD_PROVIDER = { name: 'load', kind: 'module', from: './load.mjs', maxConcurrent: 1000, cache: { maxEntries: 0 } }

export interface Credential {
  readonly token: string
  readonly username: string
}

/** What a client calls with, the first time, the second … */
export type Credentials = (client: number, call: number) => Credential

let loads = 0

/** Somebody else at every call of every load. */
export function strangers (): Credentials {
  const load = ++loads
  return (client, call) => {
    const token = `load-${load}-${client}-${call}`
    return { token, username: token }
  }
}

/**
 * Does something to the service while all clients call, and expects that each
 * call got in, as the person whose token it bore.
 */
export async function loseNone (t: Test, cluster: Cluster, change: () => Promise<void>, credentials = strangers()): Promise<void> {
  const lost: Record<string, number> = {}
  let calls = 0
  let during = 0
  const phase = { changing: false, over: false }

  async function call (credential: Credential): Promise<void> {
    const fate = await fateOf(cluster, credential)
    calls++
    if (fate !== undefined) lost[fate] = (lost[fate] ?? 0) + 1
  }
  // the first calls open the connections
  await Promise.all(Array.from({ length: CLIENTS }, async (_, client) => { await call(credentials(client, 0)) }))
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    // each calls once more when all is done
    for (let n = 1, last = false; !last; n++) {
      last = phase.over
      await call(credentials(client, n))
      if (phase.changing) during++
    }
  })
  const before = performance.now()
  phase.changing = true
  await change()
  phase.changing = false
  const seconds = (performance.now() - before) / 1000
  phase.over = true
  await Promise.all(clients)

  t.comment(`${calls} calls, ${during} of them in the ${seconds.toFixed(1)} s of the change; lost: ${Object.values(lost).reduce((sum, count) => sum + count, 0)}`)
  t.strictSame(lost, {}, 'nobody was refused')
  t.ok(during > CLIENTS, 'and there really were calls meanwhile')
}

/** @returns why a call did not get in; `undefined` where it did: who may do nothing is known by name */
async function fateOf (cluster: Cluster, { token, username }: Credential): Promise<string | undefined> {
  try {
    const { code, body } = await cluster.call(token)
    return code === 403 && body.message.includes(`User "${username}" cannot list`) ? undefined : `${code} ${body.message}`
  } catch (error) {
    return String(error)
  }
}
