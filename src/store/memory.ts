/** The store of a single process: bounded, and forgotten when the process ends. */
import { LRUCache } from 'lru-cache'
import type { Store } from './store.js'

export interface MemoryStoreOptions {
  readonly maxEntries?: number
  /** Of keys and values together. */
  readonly maxBytes?: number
  /** Milliseconds of a clock that is never set back. */
  readonly now?: () => number
}

const MAX_ENTRIES = 50_000
/** As many entries of the sign-in service, at 1.3 KB each on average. */
const MAX_BYTES = 64 * 1024 * 1024
/** Of an entry, besides its texts. */
const ENTRY = 200

/** Milliseconds. Looking at every entry takes a while: not each time that the store is full. */
const PURGE_INTERVAL = 60_000

interface Entry {
  readonly value: string
  /** The time from which on it is gone. */
  readonly until: number
}

/** When it is full, what has expired makes room, and then the entry that was set longest ago. */
export function createMemoryStore ({ maxEntries = MAX_ENTRIES, maxBytes = MAX_BYTES, now = () => performance.now() }: MemoryStoreOptions = {}): Store {
  const entries = new LRUCache<string, Entry>({ max: maxEntries, maxSize: maxBytes, sizeCalculation: sizeOf })
  let purgedAt = -Infinity

  // `get` of the cache would make an entry the youngest
  const get = (key: string): string | undefined => {
    const entry = entries.peek(key)
    if (entry === undefined || now() < entry.until) return entry?.value
    entries.delete(key)
    return undefined
  }
  const purge = (): void => {
    if (now() - purgedAt < PURGE_INTERVAL) return
    purgedAt = now()
    for (const [key, { until }] of [...entries.entries()]) if (now() >= until) entries.delete(key)
  }
  const set = (key: string, value: string, seconds: number): void => {
    const entry = { value, until: now() + seconds * 1000 }
    if (entries.size >= maxEntries || entries.calculatedSize + sizeOf(entry, key) > maxBytes) purge()
    // a new value makes the entry the youngest
    entries.delete(key)
    entries.set(key, entry)
  }

  return {
    get: async key => get(key),
    set: async (key, value, seconds) => { set(key, value, seconds) },
    add: async (key, value, seconds) => {
      if (get(key) !== undefined) return false
      set(key, value, seconds)
      return true
    },
    delete: async key => { entries.delete(key) },
    ping: async () => {},
    close: async () => { entries.clear() }
  }
}

/** Roughly: texts of ASCII take a byte for each character, others two. */
function sizeOf ({ value }: Entry, key: string): number {
  return ENTRY + 2 * (key.length + value.length)
}
