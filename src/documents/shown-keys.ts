/**
 * Which keys of a file a message may repeat. A comma ends a value in a YAML
 * flow mapping: of `{bindPassword: pa,s3cr3t}` the rest is a key without a
 * value, and of an unquoted hash several are. Such a key is never told, though
 * it may look like any other one.
 */
import { closestWord } from './did-you-mean.js'

/** Words without digits: what is a hash, a token or most of a password is none. */
const WORD = /^[A-Za-z][A-Za-z_-]{0,39}$/

/** `value` is the key's; `known` are those that could be meant. */
export function isSafeKey (key: string, value: unknown, known: Iterable<string> = []): boolean {
  if (key === '<<') return true
  return value !== null && (WORD.test(key) || closestWord(key, known) !== undefined)
}

/** What to tell instead, of the mapping that has the key. */
export function redactedKeyMessage (what: 'an unknown key' | 'a key without a value' | 'a key twice'): string {
  return `has ${what}, not shown since it may be part of a secret: quote values that contain a comma`
}

const names = new WeakMap<object, ReadonlySet<string>>()

/** Every key that a schema names, wherever that is. */
export function propertyNamesIn (schema: object): ReadonlySet<string> {
  let found = names.get(schema)
  if (found === undefined) names.set(schema, found = new Set(propertiesIn(schema)))
  return found
}

function * propertiesIn (node: unknown): Generator<string> {
  if (typeof node !== 'object' || node === null) return
  const { properties } = node as { readonly properties?: unknown }
  if (typeof properties === 'object' && properties !== null) yield * Object.keys(properties)
  for (const inner of Object.values(node)) yield * propertiesIn(inner)
}
