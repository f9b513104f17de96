/** Removes secrets from other programs' messages, which may repeat their input. */

/** Shorter texts occur by chance in unrelated words. */
const DISTINCTIVE = 8

const REDACTED = '[redacted]'

/** Shorter texts are kept. */
export function redactTexts (text: string, secrets: readonly string[]): string {
  return longestFirst(secrets).filter(({ length }) => length >= DISTINCTIVE).reduce((scrubbed, secret) => scrubbed.replaceAll(secret, REDACTED), text)
}

/** A short password is redacted if it stands by itself. */
export function redactPasswords (text: string, passwords: readonly string[]): string {
  const short = longestFirst(passwords).filter(({ length }) => length > 0 && length < DISTINCTIVE)
  return short.reduce((scrubbed, password) => scrubbed.replace(asWord(password), REDACTED), redactTexts(text, passwords))
}

/** Longest first: one secret may be part of another. */
function longestFirst (secrets: readonly string[]): string[] {
  return [...secrets].sort((a, b) => b.length - a.length)
}

function asWord (text: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}])${text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')}(?![\\p{L}\\p{N}])`, 'gu')
}
