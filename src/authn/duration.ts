/** Durations in Go's notation (`time.ParseDuration`), as in Kubernetes. */

const UNITS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y

// Go counts nanoseconds in 63 bits: about 292 years
const LONGEST = 2 ** 63 / 1e6

/**
 * Milliseconds of `1m30s`, `500ms`, `0`. Signs are accepted as in
 * Go; `undefined` for everything that Go rejects.
 */
export function parseDuration (text: string): number | undefined {
  const sign = text.startsWith('-') ? -1 : 1
  const unsigned = text.replace(/^[-+]/, '')
  if (unsigned === '0') return 0
  if (unsigned === '') return undefined
  let total = 0
  let end = 0
  while (end < unsigned.length) {
    PART.lastIndex = end
    const part = PART.exec(unsigned)
    if (part === null) return undefined
    const [, amount, unit = ''] = part
    total += Number(amount) * (UNITS[unit] ?? NaN)
    end = PART.lastIndex
  }
  return total < LONGEST ? sign * total : undefined
}

/** Milliseconds of a duration that a schema has already checked. */
export function milliseconds (duration: string): number {
  const parsed = parseDuration(duration)
  if (parsed === undefined) throw new TypeError('not a duration')
  return parsed
}
