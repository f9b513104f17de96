/** The files of the cache: tokens and failed sign-ins, one of each for an account. */
import { closeSync, constants, fstatSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf } from '../../errors.js'
import { makeDirectory, writeFileAtomic } from '../../files/write.js'
import { fingerprintOf, keyOf, type Account } from '../account.js'
import { isTime, isToken, type Token } from '../exec-credential.js'
import { SignInError } from '../sign-in-error.js'
import { assertPrivate, assertPrivateDirectory, refused } from './directory.js'

/** What a token is for, and what signing out needs. */
export interface Entry extends Token {
  readonly issuer: string
  readonly client: string
  /** SHA-256 of the CA. */
  readonly ca?: string | undefined
  readonly username?: string | undefined
  readonly endSessionEndpoint?: string | undefined
}

const SUFFIX = '.json'
/** A token with thousands of groups is smaller. */
const MAX_BYTES = 1024 * 1024

/** `undefined` if there is none, or if it is damaged: the next sign-in replaces it. */
export function readEntry (directory: string, account: Account): Entry | undefined {
  if (!assertPrivateDirectory(directory)) return undefined
  const entry = entryOf(readPrivateFile(entryFile(directory, keyOf(account))))
  return entry?.issuer === account.issuer && entry.client === account.client ? entry : undefined
}

/** Those that are not damaged, by the names of their files. @param skipRefused does not fail for files that others could have changed or read */
export function readEntries (directory: string, skipRefused = false): ReadonlyMap<string, Entry> {
  if (!assertPrivateDirectory(directory)) return new Map()
  return new Map(readdirSync(directory).filter(name => /^[0-9a-f]{64}\.json$/.test(name)).flatMap(name => {
    const entry = entryOf(skipRefused ? readUnlessRefused(join(directory, name)) : readPrivateFile(join(directory, name)))
    return entry === undefined ? [] : [[name.slice(0, -SUFFIX.length), entry]]
  }))
}

export async function writeEntry (directory: string, account: Account, { token, expiresAt }: Token, endSessionEndpoint: string | undefined): Promise<void> {
  const { issuer, client, ca, username } = account
  const entry: Entry = { token, expiresAt, issuer, client, ca: fingerprintOf(ca), username, endSessionEndpoint }
  await writePrivateFile(directory, entryFile(directory, keyOf(account)), entry)
}

export function removeEntry (directory: string, key: string): void {
  rmSync(entryFile(directory, key), { force: true })
}

/** Everything in the directory, also what a killed process has left there. `false` if there is nothing. */
export function removeEverything (directory: string): boolean {
  if (!assertPrivateDirectory(directory)) return false
  rmSync(directory, { recursive: true, force: true })
  return true
}

function readUnlessRefused (file: string): unknown {
  try {
    return readPrivateFile(file)
  } catch (error) {
    if (error instanceof SignInError) return undefined
    throw error
  }
}

/** The parsed JSON of a file; `undefined` if there is none, or no JSON in it. */
export function readPrivateFile (file: string): unknown {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    const stats = fstatSync(descriptor)
    if (!stats.isFile()) throw refused(file, 'is not a regular file', `remove it: rm -r ${file}`)
    assertPrivate(file, stats)
    return stats.size > MAX_BYTES ? undefined : parse(readFileSync(descriptor, 'utf8'))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    if (codeOf(error) === 'ELOOP') throw refused(file, 'is a symbolic link', `remove it: rm ${file}`)
    throw error
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

export async function writePrivateFile (directory: string, file: string, value: unknown): Promise<void> {
  await makeCacheDirectory(directory)
  await writeFileAtomic(file, `${JSON.stringify(value)}\n`, { mode: 0o600 })
}

/** @throws FileWriteError, or SignInError if others can change or read it */
export async function makeCacheDirectory (directory: string): Promise<void> {
  if (assertPrivateDirectory(directory)) return
  await makeDirectory(directory, { mode: 0o700 })
  assertPrivateDirectory(directory)
}

function entryFile (directory: string, key: string): string {
  return join(directory, `${key}${SUFFIX}`)
}

function parse (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function entryOf (value: unknown): Entry | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { token, expiresAt, issuer, client } = value as Partial<Record<keyof Entry, unknown>>
  const isComplete = isToken(token) && isTime(expiresAt) && typeof issuer === 'string' && typeof client === 'string'
  return isComplete ? value as Entry : undefined
}
