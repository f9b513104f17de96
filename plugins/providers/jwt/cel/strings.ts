/** Strings extension of cel-go, version 2. Indexes count code points. */
import { charge, CHARACTERS_PER_UNIT, chargeText, LONGEST_STRING, spend } from './bounds.js'
import { ExpressionError } from './expression-error.js'
import { format, quote } from './format.js'
import type { Library } from './functions.js'

export const strings: Library = {
  namespaces: { strings: 'kubernetes.strings' },
  functions: {
    'string.charAt(int): string': (text: string, index: bigint) => points(text)[position(index, points(text).length)] ?? '',
    'string.contains(string): bool': (text: string, part: string) => search(text, part, () => text.includes(part)),
    'string.startsWith(string): bool': (text: string, part: string) => compareEnd(part, () => text.startsWith(part)),
    'string.endsWith(string): bool': (text: string, part: string) => compareEnd(part, () => text.endsWith(part)),
    'string.format(list): string': (text: string, values: readonly unknown[]) => format(text, values),
    'string.indexOf(string): int': (text: string, part: string) => indexOf(text, part),
    'string.indexOf(string, int): int': (text: string, part: string, from: bigint) => part === '' ? from : indexOf(text, part, from),
    'string.lastIndexOf(string): int': (text: string, part: string) => lastIndexOf(text, part),
    'string.lastIndexOf(string, int): int': (text: string, part: string, from: bigint) => part === '' ? from : lastIndexOf(text, part, from),
    'string.lowerAscii(): string': (text: string) => changeCase(text, /[A-Z]+/g, run => run.toLowerCase()),
    'string.upperAscii(): string': (text: string) => changeCase(text, /[a-z]+/g, run => run.toUpperCase()),
    'string.replace(string, string): string': (text: string, old: string, by: string) => replace(text, old, by, -1n),
    'string.replace(string, string, int): string': replace,
    'string.split(string): list<string>': (text: string, separator: string) => split(text, separator, -1n),
    'string.split(string, int): list<string>': split,
    'string.substring(int): string': (text: string, start: bigint) => substring(text, start),
    'string.substring(int, int): string': substring,
    'string.trim(): string': trim,
    'list<string>.join(): string': (parts: readonly unknown[]) => join(parts, ''),
    'list<string>.join(string): string': join,
    'kubernetes.strings.quote(string): string': (_: unknown, text: string) => quote(text)
  }
}

function points (text: string): string[] {
  spend(1 + text.length / 2)
  return Array.from(text)
}

function position (index: bigint, last: number): number {
  if (index < 0n || index > BigInt(last)) throw new ExpressionError(`index out of range: ${index}`)
  return Number(index)
}

function compareEnd (part: string, test: () => boolean): boolean {
  spend(1 + part.length / 4)
  return test()
}

/** V8 can compare every character of the part at every position. */
function search<T> (text: string, part: string, find: () => T): T {
  spend(1 + (text.length + Math.max(0, text.length - part.length) * part.length / 16) / CHARACTERS_PER_UNIT)
  return find()
}

function indexOf (text: string, part: string, from = 0n): bigint {
  if (part === '') return from
  const characters = points(text)
  const start = position(from, characters.length - 1)
  const offset = characters.slice(0, start).join('').length
  return countPoints(text, search(text, part, () => text.indexOf(part, offset)))
}

function lastIndexOf (text: string, part: string, from?: bigint): bigint {
  const characters = points(text)
  if (part === '') return BigInt(characters.length)
  if (from === undefined) return countPoints(text, search(text, part, () => text.lastIndexOf(part)))
  const start = position(from, characters.length - 1)
  const offset = characters.slice(0, start).join('').length
  return countPoints(text, search(text, part, () => text.lastIndexOf(part, offset)))
}

function countPoints (text: string, offset: number): bigint {
  return offset < 0 ? -1n : BigInt(points(text.slice(0, offset)).length)
}

function changeCase (text: string, letters: RegExp, change: (run: string) => string): string {
  // a call for each run of letters
  spend(text.length)
  return text.replace(letters, change)
}

function replace (text: string, old: string, by: string, limit: bigint): string {
  const parts = old === '' ? ['', ...points(text), ''] : charge(text.split(old))
  const count = limit < 0n || limit >= BigInt(parts.length) ? parts.length - 1 : Number(limit)
  chargeText(text.length + count * by.length)
  const replaced = parts.slice(0, count + 1).join(by)
  const rest = parts.slice(count + 1)
  return rest.length === 0 ? replaced : [replaced, ...rest].join(old)
}

function split (text: string, separator: string, limit: bigint): string[] {
  if (limit === 0n) return []
  const parts = charge(separator === '' ? points(text) : text.split(separator))
  if (limit < 0n || BigInt(parts.length) <= limit) return parts
  const count = Number(limit) - 1
  return [...parts.slice(0, count), parts.slice(count).join(separator)]
}

function substring (text: string, start: bigint, end?: bigint): string {
  const characters = points(text)
  const to = end === undefined ? characters.length : position(end, characters.length)
  const from = position(start, characters.length)
  if (from > to) throw new ExpressionError(`invalid substring range: ${from} to ${to}`)
  return characters.slice(from, to).join('')
}

function trim (text: string): string {
  spend(1 + text.length / 2)
  let start = 0
  let end = text.length
  while (start < end && SPACE.test(text[start]!)) start++
  while (end > start && SPACE.test(text[end - 1]!)) end--
  return text.slice(start, end)
}

// as Unicode and Go define it; String.trim differs
const SPACE = /\p{White_Space}/u

function join (parts: readonly unknown[], separator: string): string {
  let length = 0
  for (const part of parts) {
    if (typeof part !== 'string') throw new ExpressionError('join: the list must contain only strings')
    length += part.length + separator.length
    if (length > LONGEST_STRING + separator.length) break
  }
  spend(parts.length * 2)
  chargeText(Math.max(0, length - separator.length))
  return parts.join(separator)
}
