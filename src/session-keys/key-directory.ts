/**
 * A directory of signing keys, as `authn-webhook keys` keeps it: NAME.crt and
 * NAME.key for each, named by the day of their creation.
 */
import { existsSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SigningKeyDirectoryError, messageOf } from '../errors.js'
import { createFile, makeDirectory } from '../files/write.js'
import { readSigningKey } from './signing-keys.js'
import { readVerificationKeys } from './verification-keys.js'

export interface KeyPair {
  readonly name: string
  readonly certFile: string
  readonly keyFile: string
  readonly kid: string
  readonly createdAt: Date
}

export interface ListedKey {
  readonly name: string
  readonly certFile: string
  /** Absent if the private key is not in the directory. */
  readonly keyFile?: string
  readonly kid?: string
  readonly createdAt?: Date
  /** Why it can't be used. */
  readonly error?: string
}

/** Ten years. Verification ignores it; monitoring of certificates does not. */
const DAYS = 3650

/** @param now milliseconds since the epoch; for tests */
export async function createSigningKey (directory: string, now: number = Date.now()): Promise<KeyPair> {
  const { createSelfSigned } = await import('../certificates/issue.js')
  const { cert, key } = await createSelfSigned({ commonName: 'authn-webhook session tokens', days: DAYS, now: () => now })
  await makeDirectory(directory)
  const { name, certFile, keyFile } = freeName(directory, new Date(now).toISOString().slice(0, 10))
  await createFile(keyFile, key, { mode: 0o600 })
  await createFile(certFile, cert)
  const { kid, createdAt } = await readSigningKey({ certFile, keyFile })
  return { name, certFile, keyFile, kid, createdAt }
}

/** All keys of the directory, the oldest first; invalid ones last. */
export async function listSigningKeys (directory: string): Promise<ListedKey[]> {
  const files = await readdir(directory)
  const names = new Set(files.filter(file => /\.(crt|key)$/.test(file)).map(file => file.slice(0, -4)))
  const keys = await Promise.all([...names].sort().map(async name => await describe(directory, name)))
  const time = ({ createdAt }: ListedKey): number => createdAt?.getTime() ?? Infinity
  // Infinity - Infinity is no number
  return keys.sort((a, b) => time(a) === time(b) ? 0 : time(a) - time(b))
}

/**
 * Deletes the private key, and keeps the certificate: reviews need it until the
 * last token has expired.
 */
export async function retireSigningKey ({ keyFile }: Pick<KeyPair, 'keyFile'>): Promise<void> {
  await rm(keyFile)
}

/** @throws SigningKeyDirectoryError if there is no such key, or its private key is gone already */
export async function findSigningKey (directory: string, name: string): Promise<ListedKey & Pick<KeyPair, 'keyFile'>> {
  const key = (await listSigningKeys(directory)).find(key => key.name === name)
  if (key === undefined) throw new SigningKeyDirectoryError(`no key ${JSON.stringify(name)} in ${directory}; "authn-webhook keys list" lists them`)
  const { keyFile } = key
  if (keyFile === undefined) throw new SigningKeyDirectoryError(`${JSON.stringify(name)} is already retired: ${directory} only has its certificate`)
  return { ...key, keyFile }
}

async function describe (directory: string, name: string): Promise<ListedKey> {
  const { certFile, keyFile } = filesOf(directory, name)
  const isComplete = existsSync(keyFile)
  const listed = { name, certFile, ...isComplete && { keyFile } }
  try {
    const { kid, createdAt } = isComplete ? await readSigningKey({ certFile, keyFile }) : (await readVerificationKeys(certFile))[0]!
    return { ...listed, kid, createdAt }
  } catch (error) {
    return { ...listed, error: messageOf(error) }
  }
}

function freeName (directory: string, day: string): Pick<KeyPair, 'name' | 'certFile' | 'keyFile'> {
  for (let count = 1; ; count++) {
    const name = count === 1 ? day : `${day}-${count}`
    const files = filesOf(directory, name)
    if (!existsSync(files.certFile) && !existsSync(files.keyFile)) return { name, ...files }
  }
}

function filesOf (directory: string, name: string): Pick<KeyPair, 'certFile' | 'keyFile'> {
  return { certFile: join(directory, `${name}.crt`), keyFile: join(directory, `${name}.key`) }
}
