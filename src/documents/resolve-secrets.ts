/**
 * Puts secrets into a config, wherever its JSON Schema says `x-secret`. What is
 * missed here reaches a provider as plain text, and from there perhaps a log.
 */
import { messageOf, type FieldError } from '../errors.js'
import { findSecrets, keysOf } from './json-schema.js'
import { locateValue } from './schema-errors.js'
import { redactedKeyMessage, propertyNamesIn } from './safe-keys.js'
import { HiddenText, secretFrom, type SecretReference, type SecretSurroundings } from './secret.js'

/**
 * Replaces every reference in `value` that the schema marks `x-secret` by a
 * {@link Secret}, and returns the errors of those that can't be resolved.
 * A value that is not a reference is one of them, even if the schema rejects it too.
 * @throws Error if the schema is invalid
 */
export function resolveSecrets (value: unknown, schema: object, base: string, baseDir: string, surroundings: SecretSurroundings = {}): FieldError[] {
  const errors: FieldError[] = []
  const names = propertyNamesIn(schema)
  for (const pointer of findSecrets(value, schema)) {
    const keys = keysOf(pointer)
    const { path, hidden } = locateValue(keys, value, base, names)
    const key = keys.pop()
    const holder = keys.reduce((inner: any, each) => inner?.[each], value)
    // a secret inside of one, and one that an alias of YAML repeats
    if (key === undefined || holder instanceof HiddenText || holder?.[key] instanceof HiddenText) continue
    if (hidden !== undefined) {
      errors.push({ path, message: redactedKeyMessage('a key without a value') })
      continue
    }
    try {
      holder[key] = secretFrom(holder[key] as SecretReference, baseDir, surroundings)
    } catch (error) {
      errors.push({ path, message: messageOf(error) })
      // the provider's own validation finds a secret here all the same
      holder[key] = new HiddenText(() => { throw error })
    }
  }
  return errors
}
