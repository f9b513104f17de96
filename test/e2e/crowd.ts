/** Many people with tokens of their own, and a provider that can take so many a second and no more. */
import { setTimeout as sleep } from 'node:timers/promises'

const MODULE = `
const burn = milliseconds => {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}
export default {
  contract: 1,
  kind: 'busy',
  schema: { type: 'object' },
  open: ({ burns = 0, takes = 0, drowning = false }) => {
    const timer = drowning && setInterval(burn, 100, 80)
    return {
      authenticateToken: async (token, { log }) => {
        log.info({}, 'asked')
        burn(burns)
        if (takes > 0) await new Promise(resolve => setTimeout(resolve, takes))
        return { user: { username: token } }
      },
      close: () => { clearInterval(timer) }
    }
  }
}
`

/** For `files` of the webhook. */
export const busyFile = { 'busy.mjs': MODULE }

/**
 * Knows every token. It holds the event loop for `burns` milliseconds each, or
 * again and again where it is `drowning`; `takes` is time that costs nobody else any.
 */
export function busy (config: { burns?: number, takes?: number, drowning?: boolean }): object {
  // what arrives at once is asked at once: the semaphore would reject it before the process is overloaded
  return { name: 'busy', kind: 'module', from: './busy.mjs', config, maxConcurrent: 10_000, cache: { maxEntries: 0 } }
}

export interface Crowd {
  /** Begins each of their tokens. */
  readonly name: string
  /** How many come in a second, whatever became of those before. */
  readonly rate: number
  readonly seconds: number
  /** A call, or all that somebody does to get in; @returns whether they got in */
  readonly visit: (token: string) => Promise<boolean>
}

export interface Visit {
  readonly token: string
  /** When it began, in milliseconds of `performance.now()`. */
  readonly at: number
  /** Until they were in or gave up, in milliseconds. */
  readonly duration: number
  readonly letIn: boolean
}

/** Lets them come at an even pace; @returns how each of them fared */
export async function crowd ({ name, rate, seconds, visit }: Crowd): Promise<Visit[]> {
  return await Promise.all(Array.from({ length: rate * seconds }, async (_, i) => {
    const token = `${name}-${i}`
    // each anywhere in their own slot, so that nothing beats in time with the service's samples
    await sleep((i + Math.random()) * 1000 / rate)
    const at = performance.now()
    const letIn = await visit(token)
    return { token, at, duration: performance.now() - at, letIn }
  }))
}
