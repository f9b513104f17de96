/**
 * The users file of the static provider: schema, then everything that a schema
 * can't say, each error with its path and line and all at once. What comes out
 * is ready to be asked.
 */
import { createHash, type Hash } from 'node:crypto'
import { getHeapStatistics } from 'node:v8'
import { USERS_VERSION, UsersFile, type User } from '../../schemas/users.js'
import type { UsersTable } from './table.js'
import { Users } from './users.js'
import { ValidationError, MAX_ERRORS, type FieldError } from '../errors.js'
import { validateDocument, validationError, type ParsedDocument } from '../documents/yaml-file.js'
import { findErrors } from '../documents/schema-errors.js'
import { readEntries, Reading } from './entries.js'
import { refuseLarge, splitUsers, type UsersPart } from './parts.js'
import { MAX_USERS_BYTES, readBytes, readBytesSync, readPiecesSync, type FileVersion, type Read, type ReadOptions } from '../files/read.js'
import { decodeText } from '../documents/text.js'

/** @throws ValidationError with everything that is wrong; also where the file can't be read */
export async function readUsers (file: string, options?: ReadOptions): Promise<Users> {
  return new Users(tabulateUsers(await readUsersBytes(file, options), file))
}

/** @throws ValidationError where the file can't be read */
export async function readUsersBytes (file: string, options: ReadOptions = {}): Promise<Buffer> {
  return orThrow(await readBytes(file, { maxBytes: MAX_USERS_BYTES, ...options }), file)
}

function orThrow (read: Read, file: string): Buffer {
  if ('error' in read) throw new ValidationError(file, [{ path: '', message: read.error }])
  return read.bytes
}

/** @throws ValidationError where the file can't be read or isn't UTF-8 */
export async function readUsersText (file: string, options?: ReadOptions): Promise<string> {
  return decodeText(await readUsersBytes(file, options), file)
}

/**
 * @param file what errors call the text
 * @throws ValidationError with everything that is wrong, in the order of lines
 */
export function parseUsers (text: string, file: string): Users {
  return new Users(tabulateUsers(Buffer.from(text), file))
}

/** What {@link parseUsers} would find wrong with these entries, with paths such as `users[3].uid`. */
export function findUserErrors (users: readonly User[]): FieldError[] {
  const value: UsersFile = { apiVersion: USERS_VERSION, users: [...users] }
  const reading = new Reading()
  const errors = findErrors(value, UsersFile)
  readEntries({ value, errors }, 0, reading)
  return [...errors, ...reading.errors]
}

/** The same as what one thread can hand over to another. */
export function tabulateUsers (bytes: Buffer, file: string): UsersTable {
  return tabulateParts(splitUsers([bytes]), file) ?? tabulateWhole(decodeText(bytes, file), file)
}

/**
 * The same of a file that is read piece by piece.
 * @param heapLimit of the thread that keeps it
 * @returns undefined if the file is not this version of it any more
 */
export function tabulateFile (file: string, { digest, size }: FileVersion, heapLimit = getHeapStatistics().heap_size_limit): UsersTable | undefined {
  const hash = createHash('sha256')
  const parts = splitUsers(piecesOf(file, hash))
  if (parts !== undefined) refuseLarge(size, file, heapLimit)
  const table = tabulateParts(parts, file)
  if (table !== undefined) return hash.digest('hex') === digest ? table : undefined
  const bytes = orThrow(readBytesSync(file, { maxBytes: MAX_USERS_BYTES }), file)
  return createHash('sha256').update(bytes).digest('hex') === digest ? tabulateWhole(decodeText(bytes, file), file) : undefined
}

function * piecesOf (file: string, hash: Hash): Generator<Buffer, void> {
  for (const read of readPiecesSync(file, { maxBytes: MAX_USERS_BYTES })) {
    const bytes = orThrow(read, file)
    hash.update(bytes)
    yield bytes
  }
}

/** Of everything at once: values take a hundred times the memory of their text. */
function tabulateWhole (text: string, file: string): UsersTable {
  const draft = validateDocument<UsersFile>(text, { file, schema: UsersFile })
  const reading = new Reading(draft.errors)
  readEntries(draft, 0, reading)
  if (reading.errors.length > 0) throw validationError(draft, reading.errors)
  return reading.builder.finish()
}

/** Part by part; `undefined` for a text that has to be read as a whole. */
function tabulateParts (parts: Iterable<UsersPart> | undefined, file: string): UsersTable | undefined {
  if (parts === undefined) return undefined
  const reading = new Reading()
  for (const { bytes, line } of parts) {
    const draft = draftPart(bytes, file)
    if (draft === undefined) return undefined
    const first = reading.count
    const known = reading.errors.length
    for (const error of draft.errors) reading.errors.push({ ...error, path: shift(error.path, first) })
    readEntries(draft, first, reading)
    // lines are found now: of each part, only its errors are kept
    for (const error of reading.errors.splice(known)) {
      const within = error.line ?? draft.lineOf(shift(error.path, -first))
      reading.errors.push({ ...error, line: within === undefined ? line : within + line - 1 })
    }
    if (reading.errors.length > MAX_ERRORS) break
    reading.builder.endPart()
    if (reading.builder.bytes > MAX_USERS_BYTES) throw new ValidationError(file, [{ path: '', message: 'holds too many values; split it up' }])
  }
  if (reading.errors.length > 0) throw new ValidationError(file, reading.errors.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)))
  return reading.builder.finish()
}

/** A part by itself; `undefined` if it is none: its end is not that of a user, or it refers to another part. */
function draftPart (bytes: Buffer, file: string): ParsedDocument<UsersFile> | undefined {
  const text = decodeText(bytes, file)
  if (ALIAS.test(text) || LONE_CR.test(text) || MARKER.test(text.slice(text.indexOf('users:')))) return undefined
  try {
    const draft = validateDocument<UsersFile>(text, { file, schema: UsersFile })
    const isPart = Array.isArray(draft.value?.users) && Object.keys(draft.value).sort().join() === 'apiVersion,users'
    return isPart ? draft : undefined
  } catch (error) {
    if (error instanceof ValidationError) return undefined
    throw error
  }
}

/** What may be an anchor or an alias of YAML. */
const ALIAS = /(?:^|[\s[\]{},:-])[&*][^\s]/

/** A line break of YAML, and none to what cuts the file. */
const LONE_CR = /\r(?!\n)/

/** Ends the document, wherever it stands. */
const MARKER = /^(?:---|\.\.\.)/m

/** `users[3].uid` → `users[1003].uid` */
function shift (path: string, by: number): string {
  return by === 0 ? path : path.replace(/^users\[(\d+)\]/, (_, index: string) => `users[${Number(index) + by}]`)
}
