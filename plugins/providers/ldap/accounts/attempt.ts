/** The test of a password under the throttle of the service, which knows only "right" and "wrong". */
import type { RequestContext } from '../../../../src/authn/provider.js'
import type { AccountDenial, BindOutcome } from '../connection/bind-outcome.js'

/**
 * A refusal for another reason is neither a right password nor a wrong one, and
 * the throttle must not count it. The caller is released when nobody waits any
 * more; the test goes on.
 */
export async function attempt (identity: string, ctx: Pick<RequestContext, 'attempt' | 'signal'>, test: () => Promise<BindOutcome>): Promise<BindOutcome> {
  // before it begins: nobody would look after one that fails then
  ctx.signal.throwIfAborted()
  const attempt = ctx.attempt(identity, async () => {
    const outcome = await test()
    if (outcome !== 'correct' && outcome !== 'incorrect') throw new Refused(outcome)
    return outcome === 'correct'
  })
  try {
    return await unlessAborted(attempt, ctx.signal) ? 'correct' : 'incorrect'
  } catch (error) {
    if (error instanceof Refused) return error.refusal
    throw error
  }
}

/** Takes as long as a refused bind, without sending one: a password must reach only the account that it was typed for. */
export async function attemptUnknown (name: string, ctx: Pick<RequestContext, 'attemptUnknown' | 'signal'>): Promise<void> {
  ctx.signal.throwIfAborted()
  await unlessAborted(ctx.attemptUnknown(name), ctx.signal)
}

class Refused extends Error {
  constructor (readonly refusal: AccountDenial) {
    super(refusal.denied)
  }
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
