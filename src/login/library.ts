/** Loads oidc-provider, which writes warnings to the console when it is loaded and when a provider is created. */
import type { ProviderLog } from '../authn/provider.js'

export type Library = typeof import('oidc-provider')

export type Log = Pick<ProviderLog, 'debug' | 'info' | 'warn' | 'error'>

export async function loadLibrary (log: Log): Promise<Library> {
  const restore = captureConsole(log)
  try {
    return await import('oidc-provider')
  } finally {
    restore()
  }
}

/** Runs what oidc-provider may comment on. */
export function withoutConsole<T> (log: Log, work: () => T): T {
  const restore = captureConsole(log)
  try {
    return work()
  } finally {
    restore()
  }
}

function captureConsole (log: Log): () => void {
  const { info, warn } = console
  const record = (message: unknown): void => { log.debug({ notice: String(message) }, 'notice of the OpenID provider') }
  console.info = record
  console.warn = record
  return () => { Object.assign(console, { info, warn }) }
}
