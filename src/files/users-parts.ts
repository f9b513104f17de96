/**
 * A large users file cut between users, so that its values are never in memory
 * all at once: a part is a users file by itself. Only block lists are cut, the
 * usual form; parsing a part shows whether it is valid.
 */
import { FaultsError } from '../errors.js'

export interface UsersPart {
  readonly bytes: Buffer
  /** The line of the file that is the part's first. */
  readonly line: number
}

/** Bytes of a part, until its last user ends: the values of so many take 10 MiB. */
const PART = 128 * 1024

/** Up to the dash of the first user. */
const HEAD = /^(?:\xef\xbb\xbf)?(?:(?:#[^\n]*|---|apiVersion:[^\n]*)?\r?\n)*users:[ \t]*(?:#[^\n]*)?\r?\n(?: *(?:#[^\n]*)?\r?\n)*( *)-[ \r\n]/
const LONGEST_HEAD = 4096

/** What every part but the first begins with, in two lines. */
const PREFIX = Buffer.from('apiVersion: authn-webhook/v1\nusers:\n')
const PREFIX_LINES = 2

/** `undefined` for a file that is small, or of another form. */
export function splitUsers (bytes: Buffer): Iterable<UsersPart> | undefined {
  if (bytes.length <= PART) return undefined
  const head = HEAD.exec(bytes.toString('latin1', 0, LONGEST_HEAD))
  return head === null ? undefined : cut(bytes, head[1]!.length)
}

function * cut (bytes: Buffer, indent: number): Generator<UsersPart> {
  const separator = Buffer.from(`\n${' '.repeat(indent)}-`)
  let start = 0
  let line = 1
  while (start < bytes.length) {
    const end = endOfPart(bytes, start + PART, separator)
    const part = bytes.subarray(start, end)
    yield start === 0 ? { bytes: part, line } : { bytes: Buffer.concat([PREFIX, part]), line: line - PREFIX_LINES }
    line += linesOf(part)
    start = end
  }
}

/** Right behind the line break before a user. */
function endOfPart (bytes: Buffer, from: number, separator: Buffer): number {
  for (let at = bytes.indexOf(separator, from); at !== -1; at = bytes.indexOf(separator, at + 1)) {
    const next = bytes[at + separator.length]
    if (next === 0x20 || next === 0x0a || next === 0x0d) return at + 1
  }
  return bytes.length
}

function linesOf (bytes: Buffer): number {
  let lines = 0
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) lines++
  return lines
}

/** The file, the users made from it and those before lie outside of the heap, and so do buffers on their way. */
const COPIES = 3
/** For what reads it. */
const READER = 80 * 1024 * 1024

/** The limit of the heap follows that of the container, which is about twice that. */
export function refuseLarge (length: number, file: string, heap: number): void {
  const need = COPIES * length + READER
  if (need <= heap) return
  throw new FaultsError(file, [{ path: '', message: `is too large for the memory of this process: it needs a heap of about ${mebibytes(need)} MiB, and ${mebibytes(heap)} is the limit; raise the memory limit` }])
}

function mebibytes (bytes: number): number {
  return Math.ceil(bytes / 1_048_576)
}
