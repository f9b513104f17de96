/** Opens what reviews need for session tokens: public keys and revocations, both from watched files. */
import type { OpenProvider } from '../authn/authenticator.js'
import type { Observer } from '../authn/observer.js'
import type { ProviderLog } from '../authn/provider.js'
import { createSessions, type Sessions } from '../authn/sessions/sessions.js'
import { openRevocations } from '../revocations-file/reload.js'
import { openVerificationKeys } from '../session-keys/verification-keys.js'

export interface OpenSessionsOptions {
  readonly settings: {
    readonly issuer: string
    /** Client IDs. */
    readonly audiences: readonly string[]
    /** Of the keys that sign session tokens. */
    readonly certFiles: readonly string[]
    readonly revocationsFile?: string | undefined
  }
  readonly providers: readonly OpenProvider[]
  readonly log: ProviderLog
  readonly observer: Pick<Observer, 'reloaded'>
}

export interface OpenedSessions extends Sessions {
  close: () => Promise<void>
}

/** Sources of reloads, as metrics name them. */
export const RELOADED = { keys: 'session-keys', revocations: 'session-revocations' } as const

/** @throws ValidationError for a file with errors */
export async function openSessions ({ settings, providers, log, observer }: OpenSessionsOptions): Promise<OpenedSessions> {
  const { issuer, audiences, certFiles, revocationsFile } = settings
  const keys = await openVerificationKeys({ files: certFiles, log, reportReload: error => { observer.reloaded(RELOADED.keys, error) } })
  try {
    const revocations = revocationsFile === undefined
      ? undefined
      : await openRevocations(revocationsFile, {
        log,
        signal: new AbortController().signal,
        // every review asks: there are no answers to drop
        invalidate () {},
        reportReload: error => { observer.reloaded(RELOADED.revocations, error) }
      })
    return {
      ...createSessions({ issuer, audiences, keys, providers, revocations }),
      async close () {
        revocations?.close()
        await keys.close()
      }
    }
  } catch (error) {
    await keys.close()
    throw error
  }
}
