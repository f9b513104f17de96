import { setImmediate as nextTurn } from 'node:timers/promises'

/** Runs one at a time; calls that arrive before a run begins share it. */
export function batched<T> (run: () => Promise<T>): () => Promise<T> {
  let next: Promise<T> | undefined
  let last: Promise<unknown> = Promise.resolve()
  return async () => {
    next ??= last.then(async () => {
      await nextTurn()
      next = undefined
      return await run()
    })
    last = next.catch(() => {})
    return await next
  }
}
