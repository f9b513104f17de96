/**
 * Why a provider failed, for the log: one line for an operator, and the stack
 * for debugging the provider. Third parties' errors may repeat what they
 * were given, so the credential is redacted in both.
 */
import { DirectoryError, KeySourceError, messageOf } from '../errors.js'
import type { Unavailable } from './answer.js'
import type { Credential } from './credential.js'
import { redactPasswords, redactTexts } from './redaction.js'

export interface ProviderError {
  /** The error's message, and those of its causes. */
  readonly detail: string
  /** Absent if the provider reported that its source of identities is unavailable: that is not a bug. */
  readonly stack?: string | undefined
}

/** Characters of `detail`, and causes that it names. */
const MAX_DETAIL = 2_000
const MAX_CAUSES = 5

/** @returns `undefined` if nothing was thrown, such as for a timeout */
export function describeProviderError ({ cause }: Unavailable, credential: Credential): ProviderError | undefined {
  if (cause === undefined) return undefined
  const redact = (text: string): string => redactCredential(text, credential)
  const detail = redact(messagesOf(cause)).slice(0, MAX_DETAIL)
  return cause instanceof Error && !isOutage(cause) ? { detail, stack: redact(cause.stack ?? '') } : { detail }
}

function isOutage (error: Error): boolean {
  return error instanceof DirectoryError || error instanceof KeySourceError
}

/** `fetch failed: connect ECONNREFUSED 192.0.2.1:443` */
function messagesOf (error: unknown, causes = MAX_CAUSES): string {
  if (!(error instanceof Error)) return String(error)
  const { name, cause } = error
  const text = messageOf(error)
  const own = name === 'Error' || name === 'AggregateError' || isOutage(error) ? text : `${name}: ${text}`
  return cause === undefined || causes === 0 ? own : `${own}: ${messagesOf(cause, causes - 1)}`
}

/**
 * A caller chooses what is redacted: a name of one letter must not make the log
 * unreadable. A short password is redacted if it stands by itself; a short name
 * is no secret.
 */
function redactCredential (text: string, { token, passwordCredential }: Credential): string {
  const texts = [token, passwordCredential?.password, passwordCredential?.username].filter(secret => secret !== undefined)
  return redactPasswords(redactTexts(text, texts), passwordCredential === undefined ? [] : [passwordCredential.password])
}
