/**
 * Converts claims and users to CEL values. Objects become Maps, so that no
 * claim name can reach a property of JavaScript.
 */
import { ExpressionError } from './expression-error.js'

/** The `user` of user validation rules. */
export class UserInfo {
  readonly username: unknown
  readonly uid: unknown
  readonly groups: unknown
  readonly extra: unknown

  /** @param user as `toValue` converts it */
  constructor (user: unknown) {
    const fields = user instanceof Map ? user : new Map<string, unknown>()
    this.username = fields.get('username') ?? ''
    this.uid = fields.get('uid') ?? ''
    this.groups = fields.get('groups') ?? []
    this.extra = fields.get('extra') ?? new Map()
  }
}

/** Field names and CEL types of `UserInfo`. */
export const USER_FIELDS = { username: 'string', uid: 'string', groups: 'list<string>', extra: 'map<string, list<string>>' }

/** Whole numbers are `int` and others `double`, as the API server decodes claims. */
export function toValue (json: unknown, depth = 0): unknown {
  if (depth > DEEPEST) throw new ExpressionError(`claims are nested more than ${DEEPEST} levels deep`)
  switch (typeof json) {
    case 'string': return wellFormed(json)
    case 'number': return Number.isSafeInteger(json) ? BigInt(json) : json
    case 'object': {
      if (json === null) return null
      if (Array.isArray(json)) return json.map(item => toValue(item, depth + 1))
      // a property can be undefined in an object that did not come from JSON
      return new Map(Object.entries(json).flatMap(([name, value]) => value === undefined ? [] : [[wellFormed(name), toValue(value, depth + 1)]]))
    }
    default: return json
  }
}

const DEEPEST = 60

/** As Go decodes JSON: lone surrogates are U+FFFD. Functions can then count code points. */
function wellFormed (text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\uFFFD')
}

/** Keys and values of a map; the package makes plain objects of map literals. */
export function entriesOf (value: unknown): Iterable<[unknown, unknown]> | undefined {
  if (value instanceof Map) return value
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype ? Object.entries(value) : undefined
}
