/**
 * Where things stand in a YAML text. The parser's events carry offsets; only
 * the containers on the way to a path are looked into, so that one error in a
 * file of 100,000 users doesn't cost a tree of a million places.
 */
import { EVENT_ID, getScalarValue, parseEvents, type Event } from 'js-yaml'
import { MAX_ERRORS, type FieldError } from '../errors.js'
import { redactedKeyMessage, isSafeKey } from './shown-keys.js'

interface Place {
  readonly name: string
  /** Offset of a mapping's key, or of a sequence's item; -1 where the text has nothing. */
  readonly offset: number
  /** Of the event that begins the value. */
  readonly index: number
  children?: Map<string, Place>
}

export class Outline {
  readonly #text: string
  readonly #events: Event[]
  readonly #lineAt: (offset: number) => number
  readonly #root: Place

  /** @throws YAMLException where the text is no YAML */
  constructor (text: string) {
    this.#text = text
    this.#events = parseEvents(text, {})
    this.#lineAt = lineFinder(text)
    // the first event begins the document, the second its value
    this.#root = { name: '', offset: offsetOf(this.#events[1]), index: 1 }
  }

  /** 1-based line of a path, or of its nearest ancestor that exists. */
  lineOf (path: string): number | undefined {
    let place: Place | undefined = this.#root
    let offset = place.offset
    for (const segment of segmentsOf(path)) {
      place.children ??= new Map(this.#childrenOf(place).map((child) => [child.name, child]))
      place = place.children.get(segment)
      if (place === undefined) break
      if (place.offset !== -1) offset = place.offset
    }
    return offset === -1 ? undefined : this.#lineAt(offset)
  }

  /** Keys that a mapping has again, with the line of the later one, and no more than one beyond {@link MAX_ERRORS}. */
  duplicates (): FieldError[] {
    const found: FieldError[] = []
    const visit = (place: Place, path: string): void => {
      const sequence = this.#events[place.index]?.type === EVENT_ID.SEQUENCE
      const names = new Set<string>()
      for (const child of this.#childrenOf(place)) {
        if (found.length > MAX_ERRORS) return
        const shown = sequence || isSafeKey(child.name, this.#isEmpty(child) ? null : '')
        const childPath = shown ? joinPath(path, sequence ? Number(child.name) : child.name) : path
        if (names.has(child.name)) found.push({ path: childPath, line: this.#lineAt(child.offset), message: shown ? 'is there twice' : redactedKeyMessage('a key twice') })
        names.add(child.name)
        visit(child, childPath)
      }
    }
    visit(this.#root, '')
    return found
  }

  /** Whether there is nothing where a value could be. */
  #isEmpty ({ index }: Place): boolean {
    const event = this.#events[index]
    return event?.type === EVENT_ID.SCALAR && getScalarValue(this.#text, event) === ''
  }

  #childrenOf ({ index }: Place): Place[] {
    const children: Place[] = []
    const type = this.#events[index]?.type
    if (type !== EVENT_ID.MAPPING && type !== EVENT_ID.SEQUENCE) return children
    let next = index + 1
    while (this.#events[next]!.type !== EVENT_ID.POP) {
      const first = this.#events[next]!
      if (type === EVENT_ID.MAPPING) next = this.#after(next)
      const name = type === EVENT_ID.SEQUENCE ? String(children.length) : first.type === EVENT_ID.SCALAR ? getScalarValue(this.#text, first) : ''
      children.push({ name, offset: offsetOf(first), index: next })
      next = this.#after(next)
    }
    if (type === EVENT_ID.SEQUENCE && children.some(({ offset }) => offset === -1)) {
      const dashes = this.#dashes(offsetOf(this.#events[index]))
      return children.map((child, at) => child.offset === -1 ? { ...child, offset: dashes[at] ?? -1 } : child)
    }
    return children
  }

  /** Those in the column of a block list's first one: an entry without a value is nowhere else in the text. */
  #dashes (first: number): number[] {
    const column = first - 1 - Math.max(this.#text.lastIndexOf('\n', first - 1), this.#text.lastIndexOf('\r', first - 1))
    const dash = new RegExp(`(?<=[\\r\\n] {${column}})-(?!\\S)`, 'g')
    return [first, ...Array.from(this.#text.slice(first).matchAll(dash), ({ index }) => first + index)]
  }

  /** The event behind the value that begins at `index`. */
  #after (index: number): number {
    let depth = 0
    do {
      const { type } = this.#events[index++]!
      if (type === EVENT_ID.POP) depth--
      else if (type === EVENT_ID.MAPPING || type === EVENT_ID.SEQUENCE) depth++
    } while (depth > 0)
    return index
  }
}

function offsetOf (event: Event | undefined): number {
  switch (event?.type) {
    case EVENT_ID.SCALAR: return event.valueStart
    case EVENT_ID.ALIAS: return event.anchorStart
    case EVENT_ID.MAPPING:
    case EVENT_ID.SEQUENCE: return event.start
    default: return -1
  }
}

/** Offset → 1-based line. */
function lineFinder (text: string): (offset: number) => number {
  const starts = [0]
  for (const { index } of text.matchAll(/\r\n|\n|\r/g)) starts.push(index + (text.startsWith('\r\n', index) ? 2 : 1))
  return (offset) => {
    let low = 0
    let high = starts.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (starts[middle]! <= offset) low = middle + 1
      else high = middle
    }
    return low
  }
}

const PLAIN_KEY = /^[A-Za-z_$][\w$-]*$/

/** `users` + 3 → `users[3]`; + `uid` → `users[3].uid`; + `example.com/team` → `users[3]["example.com/team"]`. */
export function joinPath (base: string, segment: string | number): string {
  if (typeof segment === 'number') return `${base}[${segment}]`
  if (!PLAIN_KEY.test(segment)) return `${base}[${JSON.stringify(segment)}]`
  return base === '' ? segment : `${base}.${segment}`
}

const SEGMENT = /\[(\d+)\]|\["|[^.[\]]+/y

function segmentsOf (path: string): string[] {
  const segments: string[] = []
  for (let at = 0; at < path.length; at++) {
    SEGMENT.lastIndex = at
    const match = SEGMENT.exec(path)
    if (match === null) continue
    const end = match[0] === '["' ? endOfQuotes(path, at + 1) : SEGMENT.lastIndex
    segments.push(match[0] === '["' ? JSON.parse(path.slice(at + 1, end)) as string : match[1] ?? match[0])
    at = end - 1
  }
  return segments
}

/** Behind the closing quote. A pattern for all of it would overflow the stack at a key of megabytes. */
function endOfQuotes (path: string, open: number): number {
  let at = open + 1
  while (path[at] !== '"') at += path[at] === '\\' ? 2 : 1
  return at + 1
}
