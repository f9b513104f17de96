/**
 * The private keys of session tokens, for the sign-in service alone. Keys and
 * certificates are watched, and activated together; if one of them has an error,
 * all previous ones stay active.
 */
import type { KeyObject } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose'
import type { SigningKeyConfig } from '../../schemas/login.js'
import type { ProviderLog } from '../authn/provider.js'
import { ValidationError } from '../errors.js'
import { openReloadable } from '../files/reloadable.js'
import { readSigningKeyFiles } from './signing-key-files.js'

export interface SigningKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string
  readonly privateKey: KeyObject
  /** The private key as a JWK, with `kid`, `alg` and `use`. Not for logs. */
  readonly jwk: JWK
  /** The certificate's notBefore. */
  readonly createdAt: Date
}

export type SigningKeyList = readonly [SigningKey, ...SigningKey[]]

export interface SigningKeys {
  /** In the order of the config: the first signs, all are published. */
  readonly current: SigningKeyList
  /** Calls the listener after each change of keys; the next reload waits for it. */
  onChange: (listener: (keys: SigningKeyList) => void | Promise<void>) => void
  close: () => Promise<void>
}

export interface SigningKeysOptions {
  readonly keys: readonly SigningKeyConfig[]
  readonly log: Pick<ProviderLog, 'info' | 'warn' | 'error'>
  /** Called after each reload, with the error if it failed; for metrics. */
  readonly reportReload: (error?: unknown) => void
}

/** @throws ValidationError for the first file with an error */
export async function openSigningKeys ({ keys, log, reportReload }: SigningKeysOptions): Promise<SigningKeys> {
  const listeners: Array<(keys: SigningKeyList) => void | Promise<void>> = []
  const reloadable = await openReloadable<SigningKeyList>({
    name: 'signing keys',
    files: keys.flatMap(({ certFile, keyFile }) => [certFile, keyFile]),
    log,
    async read (previous) {
      const next = await readSigningKeys(keys)
      return previous !== undefined && isSame(next, previous) ? previous : next
    },
    async onReload (next) {
      logKeys(next, log, 'reloaded signing keys')
      for (const listener of listeners) await listener(next)
    },
    reportReload
  })
  logKeys(reloadable.current, log, 'loaded signing keys')
  return {
    get current () { return reloadable.current },
    onChange (listener) { listeners.push(listener) },
    close: async () => { await reloadable.close() }
  }
}

/**
 * Reads all keys, in the order of the config.
 * @throws ValidationError for the first file with an error, and for a key that is there twice
 */
export async function readSigningKeys (configs: readonly SigningKeyConfig[]): Promise<SigningKeyList> {
  const keys: SigningKey[] = []
  for (const config of configs) {
    const key = await readSigningKey(config)
    const twin = keys.findIndex(({ kid }) => kid === key.kid)
    if (twin !== -1) throw new ValidationError(config.keyFile, [{ path: '', message: `has the same key as ${configs[twin]!.keyFile}: remove one of them` }])
    keys.push(key)
  }
  const [first, ...others] = keys
  if (first === undefined) throw new TypeError('there are no signing keys')
  return [first, ...others]
}

/** @throws ValidationError for one of its files */
export async function readSigningKey (config: SigningKeyConfig): Promise<SigningKey> {
  const { privateKey, certificate } = await readSigningKeyFiles(config)
  const kid = await calculateJwkThumbprint(privateKey)
  return { kid, privateKey, jwk: { ...await exportJWK(privateKey), kid, alg: 'ES256', use: 'sig' }, createdAt: new Date(certificate.validFrom) }
}

function isSame (one: SigningKeyList, other: SigningKeyList): boolean {
  return one.length === other.length && one.every(({ kid, createdAt }, index) => kid === other[index]!.kid && createdAt.getTime() === other[index]!.createdAt.getTime())
}

function logKeys ([first, ...others]: SigningKeyList, log: SigningKeysOptions['log'], message: string): void {
  log.info({ signs: first.kid, published: others.map(({ kid }) => kid), createdAt: first.createdAt.toISOString() }, message)
}
