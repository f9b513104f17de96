/** The small types that every file and message is made of. */
import { Type, type Static, type TSchema } from '@sinclair/typebox'

export const DURATION = '^([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$'

/** What a duration may be; src/documents/schema-errors.ts checks it. */
export interface DurationBounds {
  /** Absent: as short as can be written. */
  readonly least?: string
  readonly greatest: string
  /** What 0s means, if it is allowed. */
  readonly zero?: string
}

/**
 * A span of time in the notation of Go and Kubernetes, one unit or several:
 * `500ms`, `10s`, `1m30s`. Each has bounds, which its description tells: a
 * limit must not be switched off by a value that nobody meant.
 */
export function Duration (value: string, { description = '', ...bounds }: DurationBounds & { readonly description?: string }) {
  const { least, greatest, zero } = bounds
  const range = [zero === undefined ? [] : `0s: ${zero}`, least === undefined ? [] : `at least ${least}`, `at most ${greatest}`].flat().join('; ')
  return Type.Unsafe<string>({
    type: 'string',
    pattern: DURATION,
    expected: 'a duration such as 500ms, 10s or 2m',
    'x-duration': bounds,
    default: value,
    description: `${description === '' ? '' : `${description} `}${range[0]!.toUpperCase()}${range.slice(1)}.`
  })
}

/** One that others read, which check its bounds themselves; more than 0. */
export function ForeignDuration (value: string, description: string) {
  return Type.Unsafe<string>({ type: 'string', allOf: [{ pattern: DURATION }, { pattern: '[1-9]' }], default: value, description })
}

/** A moment as RFC 3339 writes it: `2027-01-01T00:00:00Z`. */
export const Timestamp = Type.String({
  pattern: '^\\d{4}-\\d{2}-\\d{2}[Tt ]\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?([Zz]|[+-]\\d{2}:\\d{2})$',
  expected: 'a time such as 2027-01-01T00:00:00Z'
})
export type Timestamp = Static<typeof Timestamp>

/** A map with any key. TypeBox's Record matches keys by a pattern, which a line break in a key escapes. */
export function MapOf<T extends TSchema> (value: T, options: { readonly default?: object, readonly description?: string } = {}) {
  return Type.Unsafe<Record<string, Static<T>>>({ type: 'object', additionalProperties: value, ...options })
}

/** Names that end up in metrics' labels and log lines. */
export const Name = Type.String({
  pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$',
  expected: 'a name of lower-case letters, digits and hyphens, at most 63'
})
export type Name = Static<typeof Name>

/** A path; a relative one is relative to the file that names it. */
export const Path = Type.String({ minLength: 1, expected: 'a path' })
export type Path = Static<typeof Path>

export const Port = Type.Integer({ minimum: 0, maximum: 65535 })

/**
 * A secret as code sees it: the text is asked for where it is used and nowhere
 * else, so that a config that is logged or printed shows `[secret]`.
 */
export interface Secret { reveal: () => string }

/**
 * A secret as a file writes it: the text itself, `{ file: PATH }` or `{ env: NAME }`.
 * Reading a document turns it into a {@link Secret}.
 */
export const Secret = Type.Unsafe<Secret>({
  'x-secret': true,
  expected: 'a string, {file: PATH} or {env: NAME}',
  anyOf: [
    { type: 'string', minLength: 1 },
    { type: 'object', properties: { file: { type: 'string', minLength: 1 } }, required: ['file'], additionalProperties: false },
    { type: 'object', properties: { env: { type: 'string', minLength: 1 } }, required: ['env'], additionalProperties: false }
  ]
})

/** One of some words. A JSON Schema `enum` names the allowed words in its error; a union of literals doesn't. */
export function Enum<const T extends readonly string[]> (values: T, options: object = {}) {
  return Type.Unsafe<T[number]>({ type: 'string', enum: [...values], ...options })
}

/** An object whose unknown keys are errors. */
export function Closed<T extends Record<string, TSchema>> (properties: T, options: object = {}) {
  return Type.Object(properties, { additionalProperties: false, ...options })
}
