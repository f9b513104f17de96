/** Checks passwords under the throttle of the service. */
import type { RequestContext } from '../../../../src/authn/provider.js'
import { DirectoryError } from '../../../../src/errors.js'
import type { BindOutcome } from '../connection/bind-outcome.js'

type Context = Pick<RequestContext, 'attempt' | 'attemptUnknown' | 'signal'>

/**
 * Returns what `check` returns, unless the throttle overrules it. After an
 * abort it rejects at once, while the check continues and counts.
 */
export async function attempt<T extends { readonly outcome: BindOutcome }> (account: string, ctx: Context, check: () => Promise<T>): Promise<T | { readonly outcome: 'incorrect' }> {
  ctx.signal.throwIfAborted()
  // ctx.attempt resolves to the outcome only, without its reason
  const results: T[] = []
  const outcome = await unlessAborted(ctx.attempt(account, async () => {
    const result = await check()
    results.push(result)
    return typeof result.outcome === 'string' ? result.outcome : 'uncounted'
  }), ctx.signal)
  if (outcome === 'incorrect') return { outcome }
  const [result] = results
  if (result === undefined) throw new DirectoryError('the password was not checked')
  return result
}

/** Takes as long as an incorrect password, without a bind: a password is sent only for the account that it was typed for. */
export async function attemptUnknown (name: string, ctx: Context): Promise<void> {
  ctx.signal.throwIfAborted()
  await unlessAborted(ctx.attemptUnknown(name), ctx.signal)
}

async function unlessAborted<T> (work: Promise<T>, signal: AbortSignal): Promise<T> {
  return await new Promise((resolve, reject) => {
    const leave = (): void => {
      const reason: Error = signal.reason
      reject(reason)
    }
    signal.addEventListener('abort', leave)
    work.then(resolve, reject).finally(() => { signal.removeEventListener('abort', leave) })
  })
}
