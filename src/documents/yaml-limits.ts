/**
 * Limits for the value of a YAML text: by its size, and by what its aliases
 * expand to. They apply before the value is constructed, since every step after
 * that walks through all of it.
 */
import { getHeapStatistics } from 'node:v8'
import { EVENT_ID, type Event } from 'js-yaml'
import type { FieldError } from '../errors.js'
import { lineAt } from './yaml-positions.js'

/** Values that all aliases may expand to; a long string counts as several. */
export const MAX_ALIASED = 1_000_000
/** Characters that begin or end a value; 100,000 users with every field have 5 million. */
export const MAX_INDICATORS = 8_000_000
/** Characters of a string that count as one more value. */
const LONG = 64

/**
 * Bytes of heap for each indicator until the document is validated: at most 350 were measured, for lists of empty
 * values. The rest allows for the young generation, which `availableHeap` includes but values can't use.
 */
const INDICATOR_BYTES = 450

/** A text that doesn't fit into the heap would end the process. */
export function findTextLimitError (text: string, heap = availableHeap()): FieldError | undefined {
  let indicators = 0
  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case 0x0a: case 0x2c: case 0x3a: case 0x5b: case 0x7b: indicators++
    }
  }
  if (indicators > MAX_INDICATORS) return { path: '', message: 'holds too many values; split it up' }
  if (indicators * INDICATOR_BYTES <= heap) return undefined
  return { path: '', message: `holds too many values for the memory of this process: they need about ${mebibytes(indicators * INDICATOR_BYTES)} MiB of heap, and ${mebibytes(heap)} MiB are available; raise the memory limit` }
}

let heapLimit = Infinity

/** For worker threads: --max-old-space-size gives each of them as much as the whole process. */
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

/** Finds the alias that makes the value too large or infinite. */
export function findAliasLimitError (events: readonly Event[], text: string): FieldError | undefined {
  // by anchor; undefined while its value is open
  const sizes = new Map<string, number | undefined>()
  const open: Array<{ readonly anchor: string | undefined, readonly start: number }> = []
  let size = 0
  let aliased = 0
  for (const event of events) {
    if (event.type === EVENT_ID.POP) {
      const closed = open.pop()
      if (closed?.anchor !== undefined) sizes.set(closed.anchor, size - closed.start)
    } else if (event.type === EVENT_ID.DOCUMENT) {
      open.push({ anchor: undefined, start: size })
    } else if (event.type === EVENT_ID.ALIAS) {
      const anchor = anchorOf(event, text)!
      const expanded = sizes.get(anchor)
      if (expanded === undefined && sizes.has(anchor)) return { path: '', line: lineAt(text, event.anchorStart), message: 'an alias inside the value of its own anchor' }
      // the parser reports an alias without an anchor
      size += expanded ?? 0
      aliased += expanded ?? 0
      if (aliased > MAX_ALIASED) return { path: '', line: lineAt(text, event.anchorStart), message: `aliases up to here expand to more than ${MAX_ALIASED} values: use fewer aliases, or shorter lists` }
    } else {
      const anchor = anchorOf(event, text)
      const scalarSize = event.type === EVENT_ID.SCALAR ? 1 + Math.floor((event.valueEnd - event.valueStart) / LONG) : undefined
      if (anchor !== undefined) sizes.set(anchor, scalarSize)
      if (scalarSize === undefined) open.push({ anchor, start: size })
      size += scalarSize ?? 1
    }
  }
  return undefined
}

function anchorOf ({ anchorStart, anchorEnd }: { readonly anchorStart: number, readonly anchorEnd: number }, text: string): string | undefined {
  return anchorStart === -1 ? undefined : text.slice(anchorStart, anchorEnd)
}
