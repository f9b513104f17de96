/** The providers of a config without a listener, for commands that ask them in their own process. */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from '../../schemas/config.js'
import { createAuthenticators, type OpenProvider } from '../authn/authenticator.js'
import { Deadline, PROVIDER_PATIENCE } from '../authn/deadline.js'
import { unobserved } from '../authn/observer.js'
import { closeProviders, openProviders } from '../authn/open-providers.js'
import type { ReviewRules } from '../authn/review.js'
import type { LoadedConfig } from '../config/load.js'
import { sessionsOf } from '../config/sessions.js'
import { createLogger, providerLog } from '../logger.js'
import { escapeJson } from '../printable.js'
import type { OpenedSessions } from '../sessions/open-sessions.js'
import type { Terminal } from './terminal.js'

export interface WithChainOptions {
  readonly loaded: LoadedConfig
  readonly terminal: Terminal
  /** From which on the providers' log is printed. */
  readonly level?: 'warn' | 'error'
}

export interface OpenChain {
  readonly rules: ReviewRules
  readonly providers: readonly OpenProvider[]
  close: () => Promise<void>
}

/** Opens the providers, with their log at stderr, and closes them in any case. */
export async function withChain<T> ({ loaded, terminal, level = 'warn' }: WithChainOptions, use: (chain: OpenChain) => Promise<T>): Promise<T> {
  // stdout is for the result
  const log = await createLogger({ level, format: 'json', terminal: false, destination: { write (line) { terminal.stderr.write(escapeJson(line)) } } })
  const chain = await openChain({ loaded, log })
  try {
    return await use(chain)
  } finally {
    // the result stands, even if a provider can't be closed
    await new Deadline(PROVIDER_PATIENCE).race(chain.close()).catch((error: unknown) => { log.warn({ err: error }, 'identity providers not closed') })
  }
}

export async function openChain ({ loaded: { config, dir, providers }, log }: { loaded: LoadedConfig, log: Logger }): Promise<OpenChain> {
  const open = await openProviders(providers, {
    throttle: config.throttle,
    allowMock: false,
    observer: unobserved,
    cpus: availableParallelism(),
    resolvePath: path => resolve(dir, path),
    logOf: name => providerLog(log, name)
  })
  try {
    const sessions = await openSessionsOf(config, open, log)
    return {
      rules: { chain: open.flatMap(createAuthenticators), sessions, audiences: config.audiences, maxTokenBytes: config.server.maxTokenBytes },
      providers: open,
      async close () {
        await sessions?.close()
        await closeProviders(open)
      }
    }
  } catch (error) {
    await closeProviders(open)
    throw error
  }
}

/** `undefined` if the config accepts no session tokens. */
async function openSessionsOf (config: Config, providers: readonly OpenProvider[], log: Logger): Promise<OpenedSessions | undefined> {
  const settings = sessionsOf(config)
  if (settings === undefined) return undefined
  const { openSessions } = await import('../sessions/open-sessions.js')
  return await openSessions({ settings, providers, log, observer: unobserved })
}
