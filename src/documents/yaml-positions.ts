/**
 * Lines of paths in a YAML text, from the offsets of the parser's events. Only
 * the containers on the way to a path are examined, so that one error in a file
 * of 100,000 users doesn't cost a tree of a million nodes. (The `yaml` package
 * builds that tree: 12 times the time, 3 times the memory.)
 */
import { EVENT_ID, getScalarValue, parseEvents, type Event } from 'js-yaml'
import { MAX_ERRORS, type FieldError } from '../errors.js'
import { isSafeKey, redactedKeyMessage } from './safe-keys.js'

interface YamlNode {
  readonly name: string
  /** Of the key in a mapping, or the item in a sequence; -1 if the text has neither. */
  readonly offset: number
  /** Index of the event that begins the value. */
  readonly index: number
  children?: Map<string, YamlNode>
}

export class YamlPositions {
  readonly #text: string
  readonly #events: Event[]
  readonly #lineStarts: number[]
  readonly #root: YamlNode

  /** @throws YAMLException if the text is not YAML */
  constructor (text: string) {
    this.#text = text
    this.#events = parseEvents(text, {})
    this.#lineStarts = [0, ...Array.from(text.matchAll(LINE_BREAK), ({ index, 0: lineBreak }) => index + lineBreak.length)]
    // the first event begins the document, the second its value
    this.#root = { name: '', offset: offsetOf(this.#events[1]), index: 1 }
  }

  /** 1-based line of a path, or of its nearest ancestor that exists. */
  lineOf (path: string): number | undefined {
    let node: YamlNode | undefined = this.#root
    let { offset } = node
    for (const key of keysOf(path)) {
      node.children ??= new Map(this.#childrenOf(node).map((child) => [child.name, child]))
      node = node.children.get(key)
      if (node === undefined) break
      if (node.offset !== -1) offset = node.offset
    }
    return offset === -1 ? undefined : this.#lineAt(offset)
  }

  /** An error for each duplicate key of a mapping, at most one more than {@link MAX_ERRORS}. */
  findDuplicates (): FieldError[] {
    const found: FieldError[] = []
    const visit = (node: YamlNode, path: string): void => {
      const isSequence = this.#events[node.index]?.type === EVENT_ID.SEQUENCE
      const names = new Set<string>()
      for (const child of this.#childrenOf(node)) {
        if (found.length > MAX_ERRORS) return
        const isSafe = isSequence || isSafeKey(child.name, this.#isEmpty(child) ? null : '')
        const childPath = isSafe ? joinPath(path, isSequence ? Number(child.name) : child.name) : path
        if (names.has(child.name)) found.push({ path: childPath, line: this.#lineAt(child.offset), message: isSafe ? 'is a duplicate key' : redactedKeyMessage('a duplicate key') })
        names.add(child.name)
        visit(child, childPath)
      }
    }
    visit(this.#root, '')
    return found
  }

  #lineAt (offset: number): number {
    let low = 0
    let high = this.#lineStarts.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#lineStarts[middle]! <= offset) low = middle + 1
      else high = middle
    }
    return low
  }

  #isEmpty ({ index }: YamlNode): boolean {
    const event = this.#events[index]
    return event?.type === EVENT_ID.SCALAR && getScalarValue(this.#text, event) === ''
  }

  #childrenOf ({ index }: YamlNode): YamlNode[] {
    const children: YamlNode[] = []
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

  /** Offsets of the dashes in the column of a block sequence's first one: the only trace of items without a value. */
  #dashes (first: number): number[] {
    const column = first - 1 - Math.max(this.#text.lastIndexOf('\n', first - 1), this.#text.lastIndexOf('\r', first - 1))
    const dash = new RegExp(`(?<=[\\r\\n] {${column}})-(?!\\S)`, 'g')
    return [first, ...Array.from(this.#text.slice(first).matchAll(dash), ({ index }) => first + index)]
  }

  /** Index of the event after the value that begins at `index`. */
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

const LINE_BREAK = /\r\n|\n|\r/g

/** 1-based line of an offset, or of the end of the text. For many offsets, use {@link YamlPositions}. */
export function lineAt (text: string, offset?: number): number {
  return text.slice(0, offset).split(LINE_BREAK).length
}

const PLAIN_KEY = /^[A-Za-z_$][\w$-]*$/

/** `users` + 3 → `users[3]`; + `uid` → `users[3].uid`; + `example.com/team` → `users[3]["example.com/team"]`. */
export function joinPath (base: string, key: string | number): string {
  if (typeof key === 'number') return `${base}[${key}]`
  if (!PLAIN_KEY.test(key)) return `${base}[${JSON.stringify(key)}]`
  return base === '' ? key : `${base}.${key}`
}

const KEY = /\[(\d+)\]|\["|[^.[\]]+/y

/** The reverse of {@link joinPath}. */
function keysOf (path: string): string[] {
  const keys: string[] = []
  for (let at = 0; at < path.length; at++) {
    KEY.lastIndex = at
    const match = KEY.exec(path)
    if (match === null) continue
    const end = match[0] === '["' ? endOfQuotes(path, at + 1) : KEY.lastIndex
    keys.push(match[0] === '["' ? JSON.parse(path.slice(at + 1, end)) as string : match[1] ?? match[0])
    at = end - 1
  }
  return keys
}

/** Index after the closing quote. A pattern for the whole string would overflow the stack at a key of megabytes. */
function endOfQuotes (path: string, open: number): number {
  let at = open + 1
  while (path[at] !== '"') at += path[at] === '\\' ? 2 : 1
  return at + 1
}
