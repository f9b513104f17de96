/**
 * One identity provider as the chain sees it. What surrounds a question, from
 * the outside in:
 *
 *   recognizes → cache → bulkhead, breaker, timeout → the provider → mapping and guard
 *
 * The cache is outermost: users that it holds are served while their directory
 * is down, and callers that it joins take one place in the bulkhead. Kinds of
 * credential that the provider answers from memory skip both.
 */
import { UnavailableError } from '../errors.js'
import { vetAnswer, isVettedDenial, type NameRules, type VettedAnswer } from './answer.js'
import type { AnswerCache } from './cache.js'
import type { Credential } from './credential.js'
import type { Deadline } from './deadline.js'
import type { AskResult, Observer } from './observer.js'
import type { Answer, AskContext, CredentialKind, IdentityProvider, ProviderLog } from './provider.js'
import type { Resilience } from './resilience.js'
import type { Throttle } from './throttle.js'

/** An open provider with everything that surrounds it. */
export interface OpenProvider {
  readonly name: string
  readonly kind: string
  readonly provider: IdentityProvider
  readonly names: NameRules
  readonly cache: AnswerCache
  readonly throttle: Throttle
  readonly resilience: Resilience
  readonly log: ProviderLog
  readonly observer: Observer
}

/** The question of one review. */
export interface Question {
  readonly credential: Credential
  /** `spec.audiences`; empty where the request names none. */
  readonly audiences: readonly string[]
  readonly deadline: Deadline
}

export interface Link {
  readonly provider: string
  readonly kind: CredentialKind
  /** @throws UnavailableError and nothing else: could not tell. */
  ask: (question: Question) => Promise<VettedAnswer>
}

const NEVER = new AbortController().signal

/**
 * A provider's links, the token's first: a token that reads as a password may
 * still be an opaque one.
 */
export function createLinks (open: OpenProvider): Link[] {
  const { authenticateToken, authenticatePassword } = open.provider
  const links: Link[] = []
  if (authenticateToken !== undefined) {
    links.push(createLink(open, 'token', ({ token }, ctx) => open.provider.authenticateToken!(token, ctx)))
  }
  if (authenticatePassword !== undefined) {
    links.push(createLink(open, 'password', ({ password }, ctx) => password === undefined ? null : open.provider.authenticatePassword!(password, ctx)))
  }
  return links
}

type Method = (credential: Credential, ctx: AskContext) => Answer | Promise<Answer>

function createLink (open: OpenProvider, kind: CredentialKind, method: Method): Link {
  const { name, provider, cache, resilience, observer } = open
  const immediate = provider.immediate?.includes(kind) === true

  async function askProvider (question: Question, signal: AbortSignal): Promise<VettedAnswer> {
    const started = performance.now()
    let result: AskResult = 'error'
    try {
      const answer = await method(question.credential, askContext(open, question.audiences, signal))
      const vetted = vetAnswer(name, answer, open.names, observer)
      result = resultOf(vetted)
      return vetted
    } finally {
      observer.asked(name, result, (performance.now() - started) / 1000)
    }
  }

  async function ask (question: Question): Promise<VettedAnswer> {
    const { credential, audiences, deadline } = question
    if (kind === 'password' && credential.password === undefined) return null
    if (provider.recognizes !== undefined && !provider.recognizes(credential)) return null
    if (immediate) return await askProvider(question, NEVER)
    return await cache.get(cache.key(kind, credential.token, audiences), deadline, async signal =>
      await resilience.run(signal, async signal => await askProvider(question, signal)))
  }

  return {
    provider: name,
    kind,
    async ask (question) {
      try {
        return await ask(question)
      } catch (error) {
        const unavailable = error instanceof UnavailableError ? error : new UnavailableError('failed', { cause: error })
        observer.unavailable(name, unavailable.reason)
        throw unavailable
      }
    }
  }
}

export function askContext (open: OpenProvider, audiences: readonly string[], signal: AbortSignal): AskContext {
  return {
    audiences,
    signal,
    log: open.log,
    attempt: async (identity, check) => await open.throttle.attempt(identity, check, signal)
  }
}

function resultOf (answer: VettedAnswer): AskResult {
  if (answer === null) return 'unknown'
  return isVettedDenial(answer) ? 'denied' : 'authenticated'
}
