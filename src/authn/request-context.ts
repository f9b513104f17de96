/** Makes what a provider gets with each request: `ctx` of the provider contract. */
import type { OpenProvider, Question } from './authenticator.js'
import type { Credential } from './credential.js'
import { keyedDigest } from './keyed-digest.js'
import type { RequestContext } from './provider.js'
import type { WithoutPermit } from './semaphore.js'
import type { Attempt } from './throttle.js'

type Asked = Pick<Question, 'audiences' | 'caller'> & Partial<Pick<Question, 'credential'>>

/** @param withoutPermit releases the request's permit of the semaphore while its password is checked */
export function requestContext (open: OpenProvider, signal: AbortSignal, { audiences, caller, credential }: Asked, withoutPermit: WithoutPermit = async work => await work()): RequestContext {
  const { throttle } = open
  const attempt = (): Attempt => ({ caller, guess: credential && guessOf(credential) })
  return {
    audiences,
    signal,
    log: open.log,
    attempt: async (account, check) => await withoutPermit(async () => await throttle.attempt(account, check, signal, attempt())),
    attemptUnknown: async (name, decoy) => { await withoutPermit(async () => { await throttle.attemptUnknown(name, decoy, signal, attempt()) }) }
  }
}

const digest = keyedDigest()

/** 48 bits: two passwords that share them by chance count as one. */
function guessOf ({ passwordCredential, token }: Credential): number {
  return parseInt(digest(passwordCredential?.password ?? token).slice(0, 12), 16)
}
