/** Makes what a provider gets with each request: `ctx` of the provider contract. */
import type { OpenProvider, Question } from './authenticator.js'
import type { ParsedCredential } from './credential.js'
import type { RequestContext } from './provider.js'
import type { WithoutPermit } from './semaphore.js'
import { digestToken } from './token-digest.js'
import type { Attempt } from './throttle.js'

/** Takes one sentence about what a provider found, mapped or dropped, and why. */
export type Explain = (provider: string, sentence: string) => void

/** What a request says of itself. */
export type Asked = Partial<Pick<Question, 'audiences' | 'caller' | 'credential' | 'explain'>>

const CREDENTIAL = Symbol('credential')

/** Beyond the contract, for {@link digestOf}. */
interface OwnContext extends RequestContext {
  readonly [CREDENTIAL]?: ParsedCredential | undefined
}

/** As {@link digestToken}, but the token of the request is hashed only once for all that need its digest. */
export function digestOf (token: string, ctx: RequestContext): string {
  const { [CREDENTIAL]: credential }: OwnContext = ctx
  return credential?.token === token ? credential.digest : digestToken(token)
}

/** @param withoutPermit releases the request's permit of the semaphore while its password is checked */
export function requestContext (open: OpenProvider, signal: AbortSignal, { audiences = [], caller, credential, explain }: Asked, withoutPermit: WithoutPermit = async work => await work()): RequestContext {
  const { throttle } = open
  const attempt = (): Attempt => ({ caller, password: credential?.passwordCredential?.password ?? credential?.digest })
  const ctx: OwnContext = {
    [CREDENTIAL]: credential,
    audiences,
    signal,
    log: open.log,
    attempt: async (account, check) => await withoutPermit(async () => await throttle.attempt(account, check, signal, attempt())),
    attemptUnknown: async (name, decoy) => { await withoutPermit(async () => { await throttle.attemptUnknown(name, decoy, signal, attempt()) }) }
  }
  return explain === undefined ? ctx : { ...ctx, explain: sentence => { explain(open.name, sentence) } }
}
