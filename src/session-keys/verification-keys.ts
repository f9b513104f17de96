/**
 * The public keys of session tokens, from watched certificates. Never opens a
 * private key: the process that reviews has none. A certificate is no more than
 * the file of a public key here, so that neither its dates nor its issuer count.
 */
import type { KeyObject } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import type { ProviderLog } from '../authn/provider.js'
import type { SessionKeys } from '../authn/sessions/session-keys.js'
import { readCertificates } from '../certificates/pem.js'
import { openReloadable } from '../files/reloadable.js'
import { assertP256 } from './p256.js'

export interface VerificationKey {
  readonly file: string
  /** RFC 7638 thumbprint. */
  readonly kid: string
  readonly publicKey: KeyObject
  readonly createdAt: Date
  readonly validTo: Date
}

export interface VerificationKeysOptions {
  /** Certificates, PEM; one or several a file. */
  readonly files: readonly string[]
  readonly log: Pick<ProviderLog, 'info' | 'warn' | 'error'>
  /** Called after each reload, with the error if it failed; for metrics. */
  readonly reportReload: (error?: unknown) => void
}

/** @throws ValidationError for the first file with an error; later, the previous keys stay active then */
export async function openVerificationKeys ({ files, log, reportReload }: VerificationKeysOptions): Promise<SessionKeys & { close: () => Promise<void> }> {
  let version = 1
  const keys = await openReloadable<LoadedKeys>({
    name: 'certificates of session tokens',
    files,
    log,
    fields: { files },
    async read (previous) {
      const next = indexKeys(await Promise.all(files.map(readVerificationKeys)))
      return previous !== undefined && next.digest === previous.digest ? previous : next
    },
    onReload (next) {
      version++
      logKeys(next, log, 'reloaded keys of session tokens')
    },
    reportReload
  })
  logKeys(keys.current, log, 'loaded keys of session tokens')
  return {
    find: kid => keys.current.byId.get(kid)?.publicKey,
    get version () { return version },
    close: async () => { await keys.close() }
  }
}

/**
 * The keys of all certificates of a file.
 * @throws ValidationError if the file can't be read, has a private key or a key that is not ECDSA P-256
 */
export async function readVerificationKeys (file: string): Promise<VerificationKey[]> {
  const { certificates } = await readCertificates(file)
  return await Promise.all(certificates.map(async ({ publicKey, validFrom, validTo }) => {
    assertP256(publicKey, file)
    return { file, kid: await calculateJwkThumbprint(publicKey), publicKey, createdAt: new Date(validFrom), validTo: new Date(validTo) }
  }))
}

interface LoadedKeys {
  readonly byId: ReadonlyMap<string, VerificationKey>
  /** Of everything that the log tells. */
  readonly digest: string
}

function indexKeys (read: readonly VerificationKey[][]): LoadedKeys {
  const keys = read.flat()
  return {
    byId: new Map(keys.map(key => [key.kid, key])),
    digest: keys.map(({ file, kid, validTo }) => `${file} ${kid} ${validTo.getTime()}`).join('\n')
  }
}

/** Warns of expired certificates: probably the wrong file, or a key that should have been rotated. */
function logKeys ({ byId }: LoadedKeys, log: VerificationKeysOptions['log'], message: string): void {
  log.info({ kids: [...byId.keys()] }, message)
  for (const { file, kid, validTo } of byId.values()) {
    if (validTo.getTime() <= Date.now()) log.warn({ file, kid, validTo: validTo.toISOString() }, 'the certificate of a key of session tokens has expired; its tokens are accepted all the same: rotate the key')
  }
}
