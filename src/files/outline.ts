/**
 * Where things stand in a YAML text. The parser's events carry offsets; one
 * walk over them makes a tree that finds the line of a path.
 */
import { EVENT_ID, getScalarValue, parseEvents, type Event } from 'js-yaml'

interface Place {
  /** Offset of a mapping's key, or of a sequence's item; -1 where the text has nothing. */
  offset: number
  readonly children: Map<string, Place>
}

export interface Outline {
  /** 1-based line of a path, or of its nearest ancestor that exists. */
  lineOf: (path: string) => number | undefined
  /** Keys that a mapping has twice: the path, and the line of the later one. */
  readonly duplicates: ReadonlyArray<{ path: string, line: number }>
}

/** @throws YAMLException where the text is no YAML */
export function outlineOf (text: string): Outline {
  const lineAt = lineFinder(text)
  const { root, duplicates } = placesIn(text, parseEvents(text, {}))
  return {
    lineOf (path) {
      let place: Place | undefined = root
      let offset = -1
      for (const segment of ['', ...segmentsOf(path)]) {
        place = segment === '' && place === root ? root : place.children.get(segment)
        if (place === undefined) break
        if (place.offset !== -1) offset = place.offset
      }
      return offset === -1 ? undefined : lineAt(offset)
    },
    duplicates: duplicates.map(({ path, offset }) => ({ path, line: lineAt(offset) }))
  }
}

/** One container that is still open while the events are walked. */
interface Level {
  readonly place: Place
  readonly path: string
  readonly sequence: boolean
  /** The key whose value comes next; `undefined` where a key comes next, or in a sequence. */
  key: { name: string, offset: number } | undefined
  length: number
}

function placesIn (text: string, events: Event[]) {
  const root: Place = { offset: -1, children: new Map() }
  const duplicates: Array<{ path: string, offset: number }> = []
  const open: Array<Level | undefined> = []

  for (const event of events) {
    if (event.type === EVENT_ID.POP) {
      open.pop()
      continue
    }
    if (event.type === EVENT_ID.DOCUMENT) {
      open.push(undefined)
      continue
    }
    const parent = open.at(-1)
    const offset = offsetOf(event)
    if (parent !== undefined && !parent.sequence && parent.key === undefined) {
      // complex keys never get here: constructing the value refuses them
      parent.key = { name: event.type === EVENT_ID.SCALAR ? getScalarValue(text, event) : '', offset }
      continue
    }
    const { place, path } = parent === undefined ? { place: root, path: '' } : enter(parent, offset, duplicates)
    if (parent === undefined && root.offset === -1) root.offset = offset
    if (event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE) {
      open.push({ place, path, sequence: event.type === EVENT_ID.SEQUENCE, key: undefined, length: 0 })
    }
  }
  return { root, duplicates }
}

/** The place of the value that comes next in `parent`. */
function enter (parent: Level, offset: number, duplicates: Array<{ path: string, offset: number }>): { place: Place, path: string } {
  const { key } = parent
  const name = key === undefined ? String(parent.length) : key.name
  const path = joinPath(parent.path, key === undefined ? parent.length : name)
  const place: Place = { offset: key === undefined ? offset : key.offset, children: new Map() }
  if (key !== undefined && parent.place.children.has(name)) duplicates.push({ path, offset: place.offset })
  parent.place.children.set(name, place)
  parent.length++
  parent.key = undefined
  return { place, path }
}

function offsetOf (event: Exclude<Event, { type: typeof EVENT_ID.POP | typeof EVENT_ID.DOCUMENT }>): number {
  switch (event.type) {
    case EVENT_ID.SCALAR: return event.valueStart
    case EVENT_ID.ALIAS: return event.anchorStart
    default: return event.start
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

function segmentsOf (path: string): string[] {
  return [...path.matchAll(/\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([^.[\]]+)/g)]
    .map(([, index, quoted, plain]) => index ?? (quoted === undefined ? plain! : JSON.parse(quoted) as string))
}
