/**
 * Cuts a large users file between users into parts that are users files by
 * themselves. Only block lists are cut, the usual form; parsing a part shows
 * whether the cut was right.
 */
import { ValidationError } from '../errors.js'

export interface UsersPart {
  readonly bytes: Buffer
  /** The line of the file where the part begins. */
  readonly line: number
}

/** Bytes after which a part ends with its current user; their values take 10 MiB. */
const PART = 128 * 1024

/** Up to the dash of the first user. */
const HEAD = /^(?:\xef\xbb\xbf)?(?:(?:#[^\n]*|---|apiVersion:[^\n]*)?\r?\n)*users:[ \t]*(?:#[^\n]*)?\r?\n(?: *(?:#[^\n]*)?\r?\n)*( *)-[ \r\n]/
const LONGEST_HEAD = 4096

/** The beginning of every part except the first. */
const PREFIX = Buffer.from('apiVersion: authn-webhook/v1\nusers:\n')
const PREFIX_LINES = 2

/** @returns undefined for a small file, or one of another form */
export function splitUsers (pieces: Iterable<Buffer>): Iterable<UsersPart> | undefined {
  const rest = pieces[Symbol.iterator]() as IterableIterator<Buffer>
  const { value: first } = rest.next() as { value: Buffer | undefined }
  const head = first === undefined || first.length <= PART ? null : HEAD.exec(first.toString('latin1', 0, LONGEST_HEAD))
  if (head !== null) return cut(startingWith(first!, rest), head[1]!.length)
  rest.return?.()
  return undefined
}

function * startingWith (first: Buffer, rest: Iterable<Buffer>): Generator<Buffer> {
  yield first
  yield * rest
}

function * cut (pieces: Iterable<Buffer>, indent: number): Generator<UsersPart> {
  let line = 1
  for (const bytes of regroup(pieces, Buffer.from(`\n${' '.repeat(indent)}-`))) {
    yield line === 1 ? { bytes, line } : { bytes: Buffer.concat([PREFIX, bytes]), line: line - PREFIX_LINES }
    line += linesOf(bytes)
  }
}

/** The same bytes in pieces that end before a user. */
function * regroup (pieces: Iterable<Buffer>, separator: Buffer): Generator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for (const piece of pieces) {
    rest = Buffer.concat([rest, piece])
    for (let end = endOfPart(rest, separator); end !== undefined; end = endOfPart(rest, separator)) {
      yield rest.subarray(0, end)
      rest = rest.subarray(end)
    }
  }
  if (rest.length > 0) yield rest
}

/** The offset after the line break before a user. */
function endOfPart (bytes: Buffer, separator: Buffer): number | undefined {
  for (let at = bytes.indexOf(separator, PART); at !== -1; at = bytes.indexOf(separator, at + 1)) {
    const next = bytes[at + separator.length]
    if (next === 0x20 || next === 0x0a || next === 0x0d) return at + 1
  }
  return undefined
}

function linesOf (bytes: Buffer): number {
  let lines = 0
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) lines++
  return lines
}

/** The new table and the previous one, which are outside of the heap. */
const COPIES = 2
/** Bytes for reading it. */
const READER = 80 * 1024 * 1024

/**
 * Assumes that the container's memory is about twice the limit of the heap.
 * @throws ValidationError
 */
export function assertFitsHeap (length: number, file: string, heap: number): void {
  const need = COPIES * length + READER
  if (need <= heap) return
  throw new ValidationError(file, [{ path: '', message: `is too large for the memory of this process: it needs a heap of about ${mebibytes(need)} MiB, and ${mebibytes(heap)} is the limit; raise the memory limit` }])
}

function mebibytes (bytes: number): number {
  return Math.ceil(bytes / 1_048_576)
}
