/** Conversions and `size`. The package's own accept more than cel-go, or take quadratic time for hostile strings. */
import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator'
import { spend } from './bounds.js'
import { ExpressionError } from './expression-error.js'
import { toText } from './format.js'
import type { Library } from './functions.js'

const TIMESTAMP = 'google.protobuf.Timestamp'
const DURATION = 'google.protobuf.Duration'

export const conversions: Library = {
  functions: {
    'string(string): string': toText,
    'string(bool): string': toText,
    'string(int): string': toText,
    'string(uint): string': toText,
    'string(double): string': toText,
    [`string(${TIMESTAMP}): string`]: toText,
    [`string(${DURATION}): string`]: toText,
    'int(int): int': (value: bigint) => value,
    'int(uint): int': (value: UnsignedInt) => toInt(value.value),
    'int(double): int': (value: number) => toInt(Number.isFinite(value) ? BigInt(Math.trunc(value)) : undefined),
    'int(string): int': (text: string) => toInt(/^[+-]?\d{1,30}$/.test(text) ? BigInt(text.replace('+', '')) : undefined),
    [`int(${TIMESTAMP}): int`]: (time: Date) => BigInt(Math.floor(time.getTime() / 1000)),
    'uint(uint): uint': (value: UnsignedInt) => value,
    'uint(int): uint': toUint,
    'uint(double): uint': (value: number) => toUint(Number.isFinite(value) ? BigInt(Math.trunc(value)) : -1n),
    'uint(string): uint': (text: string) => toUint(/^\d{1,30}$/.test(text) ? BigInt(text) : -1n),
    'bool(bool): bool': (value: boolean) => value,
    'bool(string): bool': toBool,
    'double(double): double': (value: number) => value,
    'double(int): double': Number,
    'double(uint): double': Number,
    'double(string): double': toDouble,
    'size(string): int': countPoints,
    'size(list): int': (list: readonly unknown[]) => BigInt(list.length),
    'size(map): int': countEntries,
    'string.size(): int': countPoints,
    'list.size(): int': (list: readonly unknown[]) => BigInt(list.length),
    'map.size(): int': countEntries,
    [`duration(string): ${DURATION}`]: toDuration,
    [`duration(${DURATION}): ${DURATION}`]: (duration: Duration) => duration,
    [`timestamp(string): ${TIMESTAMP}`]: toTimestamp,
    [`timestamp(int): ${TIMESTAMP}`]: (seconds: bigint) => checkTime(Number(seconds) * 1000),
    [`timestamp(${TIMESTAMP}): ${TIMESTAMP}`]: (time: Date) => time
  }
}

function toInt (value: bigint | undefined): bigint {
  if (value === undefined || BigInt.asIntN(64, value) !== value) throw new ExpressionError('int: not an integer of 64 bits')
  return value
}

function toUint (value: bigint): UnsignedInt {
  if (BigInt.asUintN(64, value) !== value) throw new ExpressionError('uint: not an unsigned integer of 64 bits')
  return new UnsignedInt(value)
}

function toBool (text: string): boolean {
  if (['1', 't', 'true', 'TRUE', 'True'].includes(text)) return true
  if (['0', 'f', 'false', 'FALSE', 'False'].includes(text)) return false
  throw new ExpressionError('bool: not a bool')
}

function toDouble (text: string): number {
  const [special] = /^(?:[+-]?inf(?:inity)?|nan)$/i.exec(text) ?? []
  if (special !== undefined) return special.startsWith('-') ? -Infinity : /nan/i.test(special) ? NaN : Infinity
  if (text.length > 400 || !/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) throw new ExpressionError('double: not a number')
  return Number(text)
}

function countPoints (text: string): bigint {
  spend(1 + text.length / 2)
  let count = 0n
  for (const _ of text) count++ // eslint-disable-line @typescript-eslint/no-unused-vars
  return count
}

/** The package makes objects of map literals. */
function countEntries (map: object): bigint {
  return BigInt(map instanceof Map ? map.size : Object.keys(map).length)
}

const NANOSECONDS: Readonly<Record<string, number>> = { h: 3.6e12, m: 6e10, s: 1e9, ms: 1e6, us: 1e3, µs: 1e3, ns: 1 }

/** As `time.ParseDuration` of Go. */
export function toDuration (text: string): Duration {
  spend(20)
  const match = text.length <= 64 ? /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:h|ms|m|s|us|µs|ns))+)$/.exec(text) : null
  if (text === '0') return new Duration(0)
  if (match === null) throw new ExpressionError('duration: not a duration')
  let nanoseconds = 0n
  for (const [, amount = '', unit = ''] of match[2]!.matchAll(/([\d.]+)([a-zµ]+)/g)) {
    const [integer = '', fraction = ''] = amount.split('.')
    const scale = BigInt(NANOSECONDS[unit]!)
    nanoseconds += BigInt(integer || '0') * scale + BigInt(fraction || '0') * scale / 10n ** BigInt(fraction.length)
  }
  if (nanoseconds >= 2n ** 63n) throw new ExpressionError('duration: out of range')
  const sign = match[1] === '-' ? -1n : 1n
  return new Duration(sign * (nanoseconds / 1_000_000_000n), Number(sign * (nanoseconds % 1_000_000_000n)))
}

/** RFC 3339. */
export function toTimestamp (text: string): Date {
  spend(20)
  const match = text.length <= 40 ? /^\d{4}-\d\d-(\d\d)T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.exec(text) : null
  // Date accepts the 31st of every month
  if (match === null || new Date(`${text.slice(0, 10)}T00:00:00Z`).getUTCDate() !== Number(match[1])) throw new ExpressionError('timestamp: not a time of RFC 3339')
  return checkTime(Date.parse(text))
}

function checkTime (milliseconds: number): Date {
  if (milliseconds >= -62_135_596_800_000 && milliseconds <= 253_402_300_799_999) return new Date(milliseconds)
  throw new ExpressionError('timestamp: out of range')
}
