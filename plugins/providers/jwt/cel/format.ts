/** `string.format(list)` of cel-go, and values as text. */
import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator'
import { chargeText, spend } from './bounds.js'
import { ExpressionError } from './expression-error.js'
import { entriesOf } from './values.js'

export function format (template: string, values: readonly unknown[]): string {
  let next = 0
  let length = template.length
  chargeText(length)
  return template.replace(/%(?:%|(?:\.(\d{1,2}))?([a-zA-Z]?))/g, (clause, precision: string | undefined, verb: string | undefined) => {
    if (clause === '%%') return '%'
    if (next >= values.length) throw new ExpressionError(`format: no value for ${clause}`)
    const text = substitute(values[next++], verb ?? '', Number(precision ?? 6))
    length += text.length
    chargeText(length)
    return text
  })
}

function substitute (value: unknown, verb: string, precision: number): string {
  const integer = value instanceof UnsignedInt ? value.value : value
  switch (verb) {
    case 's': return toText(value)
    case 'd': if (typeof integer === 'bigint') return String(integer); break
    case 'f': if (typeof value === 'number') return Number.isFinite(value) ? value.toFixed(precision) : doubleToText(value); break
    case 'b': if (typeof integer === 'bigint' || typeof value === 'boolean') return typeof integer === 'bigint' ? integer.toString(2) : String(Number(value)); break
    case 'o': if (typeof integer === 'bigint') return integer.toString(8); break
    case 'x': case 'X': {
      const text = typeof integer === 'bigint' ? integer.toString(16) : typeof value === 'string' ? Buffer.from(value).toString('hex') : undefined
      if (text !== undefined) return verb === 'X' ? text.toUpperCase() : text
      break
    }
    default: throw new ExpressionError(`format: unsupported clause %${verb}`)
  }
  throw new ExpressionError(`format: the value for %${verb} has the wrong type`)
}

/** As `%s` and `string(…)` print it. */
export function toText (value: unknown): string {
  spend(8)
  if (typeof value === 'string') return value
  if (typeof value === 'number') return doubleToText(value)
  if (value instanceof Date) return value.toISOString().replace(/\.?0*Z$/, 'Z')
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  const entries = entriesOf(value)
  if (entries !== undefined) return `{${[...entries].map(([key, item]) => `${literal(key)}:${literal(item)}`).sort().join(', ')}}`
  if (value === null || typeof value === 'bigint' || typeof value === 'boolean' || value instanceof Duration || value instanceof UnsignedInt) return String(value)
  throw new ExpressionError('format: a value of this type has no text')
}

/** As `%g` of Go prints it: scientific from 1e+06 on and below 0.0001. */
function doubleToText (value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
  const [digits = '', exponent = ''] = value.toExponential().split('e')
  const power = Number(exponent)
  if (power >= -4 && power < 6) return Object.is(value, -0) ? '-0' : String(value)
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}

/** Within a list or map: as a literal of CEL. */
function literal (value: unknown): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number' && Number.isFinite(value)) return value.toFixed(6)
  const text = toText(value)
  if (value instanceof Date) return `timestamp(${quote(text)})`
  return value instanceof Duration ? `duration(${quote(text)})` : text
}

/** A string literal of CEL. */
export function quote (text: string): string {
  chargeText(text.length)
  return `"${text.replace(/[\x07\b\f\n\r\t\v\\"]/g, character => ESCAPES[character]!)}"` // eslint-disable-line no-control-regex
}

const ESCAPES: Readonly<Record<string, string>> = { '\x07': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v', '\\': '\\\\', '"': '\\"' }
