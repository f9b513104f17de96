/** For work that does not know signals, or looks at them late. */
import { once } from 'node:events'

/**
 * What `work` resolves to.
 * @throws the reason of `signal`, as soon as it is aborted
 */
export async function orAborted<T> (work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const settled = new AbortController()
  const aborted = once(signal, 'abort', { signal: settled.signal }).then((): never => { throw signal.reason })
  try {
    return await Promise.race([work, aborted])
  } finally {
    aborted.catch(() => {})
    settled.abort()
  }
}
