/**
 * Decides which keys of a file a message may repeat. A comma ends a value in a
 * YAML flow mapping: the rest of `{bindPassword: pa,s3cr3t}` is a key without a
 * value. Such a key is never repeated, even if it looks like an ordinary one.
 */
import { closestWord } from './spelling.js'

/** A word without digits: a hash, a token and most passwords are not. */
const WORD = /^[A-Za-z][A-Za-z_-]{0,39}$/

/** @param known keys that `key` may be mistyped for */
export function isSafeKey (key: string, value: unknown, known: Iterable<string> = []): boolean {
  if (key === '<<') return true
  return value !== null && (WORD.test(key) || closestWord(key, known) !== undefined)
}

/** The message about a key that is not safe, for the mapping that has it. */
export function redactedKeyMessage (what: 'an unknown key' | 'a key without a value' | 'a duplicate key'): string {
  return `has ${what}, not shown because it may be part of a secret: quote values that contain a comma`
}

/** Every property that a schema names, at any depth. */
export function propertyNamesIn (schema: object): ReadonlySet<string> {
  return new Set(propertiesIn(schema))
}

function * propertiesIn (node: unknown): Generator<string> {
  if (typeof node !== 'object' || node === null) return
  const { properties } = node as { readonly properties?: unknown }
  if (typeof properties === 'object' && properties !== null) yield * Object.keys(properties)
  for (const inner of Object.values(node)) yield * propertiesIn(inner)
}
