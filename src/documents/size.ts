/**
 * How much a YAML text becomes: an alias is one word in the text, and in the
 * value all that its anchor stands for. Both are counted before the value is
 * made, since every check after that walks through all of it.
 */
import { getHeapStatistics } from 'node:v8'
import { EVENT_ID, type Event } from 'js-yaml'
import type { FieldError } from '../errors.js'

/** Values that aliases may stand for together, a long text counting as several. */
export const MAX_ALIASED = 1_000_000
/** Characters that begin or end a value; 100,000 users with everything that they may have need 5 million. */
export const MAX_INDICATORS = 8_000_000
/** Characters of a text that count as one more value. */
const LONG = 64

/**
 * Bytes of the heap that a character of those costs until everything is checked: at most 350 were measured, for lists
 * of nothing. The rest is for what `heapLeft` counts too and no value can use, the young generation.
 */
const INDICATOR_BYTES = 450

/**
 * What makes `text` too large to be parsed: the heap that is left in this
 * process has to take it, or the text ends the process.
 */
export function findTextLimitError (text: string, heap = availableHeap()): FieldError | undefined {
  let indicators = 0
  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case 0x0a: case 0x2c: case 0x3a: case 0x5b: case 0x7b: indicators++
    }
  }
  if (indicators > MAX_INDICATORS) return { path: '', message: 'holds too many values; split it up' }
  if (indicators * INDICATOR_BYTES <= heap) return undefined
  return { path: '', message: `holds too many values for the memory of this process: they need about ${mebibytes(indicators * INDICATOR_BYTES)} MiB of its heap, and ${mebibytes(heap)} are left; raise the memory limit` }
}

let heapLimit = Infinity

/** For a thread beside another one: --max-old-space-size allows each of them as much as the process may have. */
export function limitHeap (bytes: number): void {
  heapLimit = bytes
}

export function availableHeap (): number {
  const { heap_size_limit: limit, used_heap_size: used } = getHeapStatistics()
  return Math.max(0, Math.min(limit, heapLimit) - used)
}

function mebibytes (bytes: number): number {
  return Math.round(bytes / 1_048_576)
}

/** The alias by which the value becomes too large, or has no end. */
export function findAliasLimitError (events: readonly Event[], text: string): FieldError | undefined {
  const anchors = new Map<string, number | undefined>()
  const open: Array<{ readonly anchor: string | undefined, weight: number }> = []
  let aliased = 0
  for (const event of events) {
    switch (event.type) {
      case EVENT_ID.DOCUMENT: open.push({ anchor: undefined, weight: 0 }); break
      case EVENT_ID.SEQUENCE:
      case EVENT_ID.MAPPING: {
        const anchor = anchorOf(event, text)
        if (anchor !== undefined) anchors.set(anchor, undefined)
        open.push({ anchor, weight: 1 })
        break
      }
      case EVENT_ID.SCALAR: {
        const weight = 1 + Math.floor((event.valueEnd - event.valueStart) / LONG)
        const anchor = anchorOf(event, text)
        if (anchor !== undefined) anchors.set(anchor, weight)
        open.at(-1)!.weight += weight
        break
      }
      case EVENT_ID.ALIAS: {
        const anchor = anchorOf(event, text)!
        const weight = anchors.get(anchor)
        if (weight === undefined && anchors.has(anchor)) return errorAt(event.anchorStart, text, 'an alias inside of what it stands for')
        // one that is not there is for the parser to tell
        aliased += weight ?? 0
        if (aliased > MAX_ALIASED) return errorAt(event.anchorStart, text, `aliases stand for more than ${MAX_ALIASED} values up to here; write fewer of them, or shorter lists`)
        open.at(-1)!.weight += weight ?? 0
        break
      }
      case EVENT_ID.POP: {
        const { anchor, weight } = open.pop()!
        if (anchor !== undefined) anchors.set(anchor, weight)
        if (open.length > 0) open.at(-1)!.weight += weight
      }
    }
  }
  return undefined
}

function anchorOf ({ anchorStart, anchorEnd }: { readonly anchorStart: number, readonly anchorEnd: number }, text: string): string | undefined {
  return anchorStart === -1 ? undefined : text.slice(anchorStart, anchorEnd)
}

function errorAt (offset: number, text: string, message: string): FieldError {
  return { path: '', line: text.slice(0, offset).split(/\r\n|\r|\n/).length, message }
}
