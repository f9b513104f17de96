/** One sign-in for all processes that need the same token at the same time. */
import { codeOf, messageOf } from '../errors.js'
import { keyOf } from './account.js'
import { describeCacheError } from './cache/directory.js'
import { makeCacheDirectory, readEntry, writeEntry } from './cache/entries.js'
import { forgetFailure, readFailure, rememberFailure, REMEMBERED, type Failure } from './cache/failures.js'
import { acquireOrWait } from './cache/lock.js'
import { isUsable, type Token } from './exec-credential.js'
import { runFlow } from './flows/run-flow.js'
import { SignInError } from './sign-in-error.js'
import type { Dialogue, TokenRequest } from './token.js'

/** @throws SignInError */
export async function signInOnce (request: TokenRequest): Promise<Token> {
  const { account, directory, signal } = request
  const key = keyOf(account)
  const since = Date.now()
  const unwritable = (error: unknown): never => { throw describeCacheError(error, directory) }
  await makeCacheDirectory(directory).catch(unwritable)
  await assertMayTry(readFailure(directory, key, since), request, since)
  const dialogue = await request.openDialogue()
  for (;;) {
    const lock = await acquireOrWait(directory, key, { signal, onWait () { dialogue.tell('Waiting for a sign-in that another command has started …') } }).catch(unwritable)
    try {
      const cached = readEntry(directory, account)
      if (cached !== undefined && isUsable(cached)) return cached
      // that of the command which was waited for
      await assertMayTry(readFailure(directory, key, Date.now()), request, since)
      if (lock !== undefined) return await signIn(request, key, dialogue)
    } finally {
      await lock?.release()
    }
  }
}

async function signIn (request: TokenRequest, key: string, dialogue: Dialogue): Promise<Token> {
  const { account, directory } = request
  try {
    const { token, endSessionEndpoint } = await runFlow(request, dialogue)
    // a full disk is no reason to lose it
    await writeEntry(directory, account, token, endSessionEndpoint).catch((error: unknown) => { dialogue.tell(`warning: the token is not cached: ${messageOf(error)}`) })
    forgetFailure(directory, key)
    return token
  } catch (error) {
    const failure = error instanceof SignInError ? error.failure : 'not-signed-in'
    // Ctrl-C, and nothing else is no error of ours
    const message = codeOf(error)?.startsWith('AUTHN_') === true ? messageOf(error) : 'the sign-in was dismissed'
    // what went wrong is more important than that it can't be remembered
    await rememberFailure(directory, key, { at: Date.now(), failure, message }).catch(() => {})
    throw error
  }
}

/** @param since when this command began; milliseconds since the epoch */
async function assertMayTry (failure: Failure | undefined, { isNewAttempt }: TokenRequest, since: number): Promise<void> {
  if (failure === undefined || (failure.at < since && await isNewAttempt(failure.at))) return
  // of the command that this one has waited for
  if (failure.at >= since) throw new SignInError(failure.failure, failure.message)
  const seconds = Math.ceil((failure.at + REMEMBERED - since) / 1000)
  throw new SignInError(failure.failure, `${failure.message} (the last sign-in; to repeat it at once, type the command in a terminal, otherwise wait ${seconds} s)`)
}
