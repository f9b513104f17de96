/** Types that the schemas share. */
import { Type, type Static, type TSchema } from '@sinclair/typebox'

export const DURATION = '^([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$'

/** Bounds of a duration; src/documents/json-schema.ts validates them. */
export interface DurationBounds {
  /** Absent: no lower bound. */
  readonly least?: string
  readonly greatest: string
  /** What 0s means, if it is allowed. */
  readonly zero?: string
}

/**
 * A duration in the notation of Go and Kubernetes: `500ms`, `10s`, `1m30s`. Each
 * has bounds, which its description ends with, so that no typo disables a limit.
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

/** A positive duration whose bounds another program validates. */
export function ForeignDuration (value: string, description: string) {
  return Type.Unsafe<string>({ type: 'string', allOf: [{ pattern: DURATION }, { pattern: '[1-9]' }], default: value, description })
}

/** A time of RFC 3339, such as `2027-01-01T00:00:00Z`. */
export const Timestamp = Type.String({
  pattern: '^\\d{4}-\\d{2}-\\d{2}[Tt ]\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?([Zz]|[+-]\\d{2}:\\d{2})$',
  expected: 'a time such as 2027-01-01T00:00:00Z'
})
export type Timestamp = Static<typeof Timestamp>

/** A map with arbitrary keys. TypeBox's Record matches them by a pattern that skips keys with line breaks. */
export function MapOf<T extends TSchema> (value: T, options: { readonly default?: object, readonly description?: string } = {}) {
  return Type.Unsafe<Record<string, Static<T>>>({ type: 'object', additionalProperties: value, ...options })
}

/** A name for labels of metrics and for log lines. */
export const Name = Type.String({
  pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$',
  expected: 'a name of lower-case letters, digits and hyphens, at most 63'
})
export type Name = Static<typeof Name>

/** A path; a relative one is relative to the file that names it. */
export const Path = Type.String({ minLength: 1, expected: 'a path' })
export type Path = Static<typeof Path>

export const Port = Type.Integer({ minimum: 0, maximum: 65535 })

/** A secret in the code: a config that is logged or printed shows `[secret]`. */
export interface Secret { reveal: () => string }

/** A secret in a file: the text itself, `{ file: PATH }` or `{ env: NAME }`; src/documents/resolve-secrets.ts resolves it. */
export const Secret = Type.Unsafe<Secret>({
  'x-secret': true,
  expected: 'a string, {file: PATH} or {env: NAME}',
  anyOf: [
    { type: 'string', minLength: 1 },
    { type: 'object', properties: { file: { type: 'string', minLength: 1 } }, required: ['file'], additionalProperties: false },
    { type: 'object', properties: { env: { type: 'string', minLength: 1 } }, required: ['env'], additionalProperties: false }
  ]
})

/** Unlike a union of literals, its error names the allowed values. */
export function Enum<const T extends readonly string[]> (values: T, options: object = {}) {
  return Type.Unsafe<T[number]>({ type: 'string', enum: [...values], ...options })
}

/** An object whose unknown keys are errors. */
export function Closed<T extends Record<string, TSchema>> (properties: T, options: object = {}) {
  return Type.Object(properties, { additionalProperties: false, ...options })
}
