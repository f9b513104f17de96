/**
 * Cuts a large file with one list, such as a users file, between its entries into
 * parts that are such files by themselves. Only block lists are cut, the usual
 * form; parsing a part shows whether the cut was right.
 */
import { ValidationError } from '../errors.js'
import { decodeText } from './text.js'
import { validateDocument, type ParsedDocument } from './yaml-file.js'

/** A file with `apiVersion:` and one list. */
export interface ListFile {
  readonly file: string
  readonly schema: object
  /** The key of the list: `users`. */
  readonly key: string
}

export interface ListPart {
  readonly bytes: Buffer
  /** The line of the file where the part begins. */
  readonly line: number
}

/** Bytes after which a part ends with its current entry; their values take 10 MiB. */
const PART = 128 * 1024

/** Up to the dash of the first entry. The key is a word without special characters. */
const headOf = (key: string): RegExp => new RegExp(`^(?:\\xef\\xbb\\xbf)?(?:(?:#[^\\n]*|---|apiVersion:[^\\n]*)?\\r?\\n)*${key}:[ \\t]*(?:#[^\\n]*)?\\r?\\n(?: *(?:#[^\\n]*)?\\r?\\n)*( *)-[ \\r\\n]`)
const LONGEST_HEAD = 4096

/** The beginning of every part except the first. */
const prefixOf = (key: string): Buffer => Buffer.from(`apiVersion: authn-webhook/v1\n${key}:\n`)
const PREFIX_LINES = 2

/** @returns undefined for a small file, or one of another form */
export function splitList (pieces: Iterable<Buffer>, key: string): Iterable<ListPart> | undefined {
  const rest = pieces[Symbol.iterator]() as IterableIterator<Buffer>
  const { value: first } = rest.next() as { value: Buffer | undefined }
  const head = first === undefined || first.length <= PART ? null : headOf(key).exec(first.toString('latin1', 0, LONGEST_HEAD))
  if (head !== null) return cut(startingWith(first!, rest), head[1]!.length, prefixOf(key))
  rest.return?.()
  return undefined
}

/** @returns undefined if the part does not end with an entry, or refers to another part */
export function parsePart<T extends object> (bytes: Buffer, { file, schema, key }: ListFile): ParsedDocument<T> | undefined {
  const text = decodeText(bytes, file)
  if (ALIAS.test(text) || LONE_CR.test(text) || MARKER.test(text.slice(text.indexOf(`${key}:`)))) return undefined
  try {
    const draft = validateDocument<T>(text, { file, schema })
    const isPart = Object.keys(draft.value ?? {}).sort().join() === `apiVersion,${key}` && Array.isArray(draft.value[key as keyof T])
    return isPart ? draft : undefined
  } catch (error) {
    if (error instanceof ValidationError) return undefined
    throw error
  }
}

/** A possible anchor or alias of YAML. */
const ALIAS = /(?:^|[\s[\]{},:-])[&*][^\s]/

/** A line break of YAML, but not of this file. */
const LONE_CR = /\r(?!\n)/

/** Ends the document. */
const MARKER = /^(?:---|\.\.\.)/m

/** `users[3].uid` → `users[1003].uid` */
export function shiftPath (path: string, key: string, by: number): string {
  if (by === 0 || !path.startsWith(`${key}[`)) return path
  return key + path.slice(key.length).replace(/^\[(\d+)\]/, (_, index: string) => `[${Number(index) + by}]`)
}

function * startingWith (first: Buffer, rest: Iterable<Buffer>): Generator<Buffer> {
  yield first
  yield * rest
}

function * cut (pieces: Iterable<Buffer>, indent: number, prefix: Buffer): Generator<ListPart> {
  let line = 1
  for (const bytes of regroup(pieces, Buffer.from(`\n${' '.repeat(indent)}-`))) {
    yield line === 1 ? { bytes, line } : { bytes: Buffer.concat([prefix, bytes]), line: line - PREFIX_LINES }
    line += linesOf(bytes)
  }
}

/** The same bytes in pieces that end before an entry. */
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

/** The offset after the line break before an entry. */
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
