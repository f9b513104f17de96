/** The token of an account: from the cache, or else from a sign-in. */
import type { Account } from './account.js'
import { readEntry } from './cache/entries.js'
import { isUsable, type Token } from './exec-credential.js'
import type { FlowName } from './flows/flow.js'

/** How a person is reached. */
export interface Dialogue {
  /** URLs, codes, and what is waited for. */
  readonly tell: (lines: string | readonly string[]) => void
  /** @throws the reason of `signal` */
  readonly prompt: (question: string, options: { readonly hidden?: boolean, readonly signal: AbortSignal }) => Promise<string>
  readonly hasBrowser: boolean
}

export interface TokenRequest {
  readonly account: Account
  /** Of the cache. */
  readonly directory: string
  /** What an option says; absent: what is possible. */
  readonly flow?: FlowName | undefined
  /** Read from stdin; absent: the person is asked for it. */
  readonly readPassword?: (() => Promise<string>) | undefined
  /** Called only for a sign-in. @throws an error that says what to do if nobody can be asked */
  readonly openDialogue: () => Promise<Dialogue>
  /** Whether to sign in again although it failed at a time; milliseconds since the epoch. */
  readonly isNewAttempt: (failedAt: number) => Promise<boolean>
  readonly signal: AbortSignal
  /** Milliseconds that a person may take; for tests. */
  readonly limit?: number | undefined
}

/** @throws SignInError */
export async function getToken (request: TokenRequest): Promise<Token> {
  const cached = readEntry(request.directory, request.account)
  if (cached !== undefined && isUsable(cached)) return cached
  const { signInOnce } = await import('./sign-in.js')
  return await signInOnce(request)
}
