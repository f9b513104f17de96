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
import type { Awaitable } from './awaitable.js'
import type { Apart } from './bulkhead.js'
import type { AnswerCache } from './cache.js'
import type { Credential } from './credential.js'
import type { Deadline } from './deadline.js'
import { keyedDigest } from './keyed-digest.js'
import { MAX_NAME_BYTES, type DroppedNames } from './mapping.js'
import type { AskResult, Observer } from './observer.js'
import type { Answer, RequestContext, CredentialType, IdentityProvider, ProviderLog } from './provider.js'
import type { Resilience } from './resilience.js'
import type { Attempt, Throttle } from './throttle.js'

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
  /** Who asks: an address, and the API server's name. Callers share the queue of password checks evenly. */
  readonly caller?: string | undefined
}

export interface Link {
  readonly provider: string
  readonly kind: CredentialType
  /**
   * No promise where the provider or its cache answers from memory: it takes as long as the look-up.
   * @throws UnavailableError and nothing else: could not tell.
   */
  ask: (question: Question) => Awaitable<VettedAnswer>
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
    links.push(createLink(open, 'password', ({ passwordCredential }, ctx) => passwordCredential === undefined ? null : open.provider.authenticatePassword!(passwordCredential, ctx)))
  }
  return links
}

type Method = (credential: Credential, ctx: RequestContext) => Awaitable<Answer>

function createLink (open: OpenProvider, kind: CredentialType, method: Method): Link {
  const { name, provider, cache, resilience, observer } = open
  const immediate = provider.synchronous?.includes(kind) === true

  function isAskable (credential: Credential): boolean {
    if (kind === 'password' && credential.passwordCredential === undefined) return false
    return provider.recognizes === undefined || provider.recognizes(credential)
  }

  function conclude (answer: unknown, started: number): VettedAnswer {
    const vetted = vetAnswer(name, answer, open.names, observer)
    observer.asked(name, resultOf(vetted), secondsSince(started))
    if (vetted !== null && !isVettedDenial(vetted) && vetted.dropped !== undefined) logDropped(open, vetted.user.username, vetted.dropped)
    return vetted
  }

  function askMemory (question: Question): VettedAnswer {
    const started = performance.now()
    try {
      return conclude(atOnce(method(question.credential, askContext(open, NEVER, question))), started)
    } catch (error) {
      observer.asked(name, 'error', secondsSince(started))
      throw error
    }
  }

  async function askSource (question: Question, signal: AbortSignal, apart: Apart): Promise<VettedAnswer> {
    const started = performance.now()
    try {
      return conclude(await method(question.credential, askContext(open, signal, question, apart)), started)
    } catch (error) {
      observer.asked(name, 'error', secondsSince(started))
      throw error
    }
  }

  function askCache (question: Question): Awaitable<VettedAnswer> {
    const { credential, audiences, deadline } = question
    return cache.get(cache.key(kind, credential.token, audiences), deadline, async asked =>
      await resilience.run(asked, async (signal, apart) => await askSource(question, signal, apart)))
  }

  /** Whatever goes wrong around a provider is "could not tell". */
  function couldNotTell (error: unknown): never {
    const unavailable = error instanceof UnavailableError ? error : new UnavailableError('failed', { cause: error })
    observer.unavailable(name, unavailable.reason)
    throw unavailable
  }

  return {
    provider: name,
    kind,
    ask (question) {
      try {
        if (!isAskable(question.credential)) return null
        const answer = immediate ? askMemory(question) : askCache(question)
        return answer instanceof Promise ? answer.catch(couldNotTell) : answer
      } catch (error) {
        return couldNotTell(error)
      }
    }
  }
}

/** An immediate kind's answer. */
function atOnce (answer: Awaitable<Answer>): Answer {
  if (!(answer instanceof Promise)) return answer
  // nobody waits for it: its rejection must not end the process
  answer.catch(() => {})
  throw new TypeError('the provider broke its contract: a promise for a kind that it calls synchronous')
}

const logged = new WeakSet<DroppedNames>()
const MAX_LOGGED = 10

/** Once for each user of a file: of users that can't change, the dropped names are one object too. */
function logDropped ({ name, log }: OpenProvider, username: string, dropped: DroppedNames): void {
  if (logged.has(dropped)) return
  logged.add(dropped)
  // a name may have been dropped for its length
  const [uid, groups, extra] = [dropped.uid, dropped.group, dropped.extra].map(names => names.slice(0, MAX_LOGGED).map(dropped => dropped.slice(0, MAX_NAME_BYTES)))
  log.warn({ provider: name, username, uid, groups, extra }, 'dropped reserved or malformed names of a user')
}

function secondsSince (started: number): number {
  return (performance.now() - started) / 1000
}

type Asked = Pick<Question, 'audiences' | 'caller'> & Partial<Pick<Question, 'credential'>>

/** @param apart lets go of what the question holds while its password is tested */
export function askContext (open: OpenProvider, signal: AbortSignal, { audiences, caller, credential }: Asked, apart: Apart = async work => await work()): RequestContext {
  const { throttle } = open
  const attempt = (): Attempt => ({ caller, guess: credential && guessOf(credential) })
  return {
    audiences,
    signal,
    log: open.log,
    attempt: async (identity, check) => await apart(async () => await throttle.attempt(identity, check, signal, attempt())),
    attemptUnknown: async (name, decoy) => { await apart(async () => { await throttle.attemptUnknown(name, decoy, signal, attempt()) }) }
  }
}

const digest = keyedDigest()

/** 48 bits: two passwords that share them by chance count as one. */
function guessOf ({ passwordCredential, token }: Credential): number {
  return parseInt(digest(passwordCredential?.password ?? token).slice(0, 12), 16)
}

function resultOf (answer: VettedAnswer): AskResult {
  if (answer === null) return 'unknown'
  return isVettedDenial(answer) ? 'denied' : 'authenticated'
}
