/** Takes secrets out of the words of others, which may repeat what they were given. */

/** Shorter texts occur by chance in words that have nothing to do with the secret. */
const DISTINCTIVE = 8

const REDACTED = '[redacted]'

/** Those that are too short to be told from other words stay. */
export function redactTexts (text: string, secrets: readonly string[]): string {
  return longestFirst(secrets).filter(({ length }) => length >= DISTINCTIVE).reduce((scrubbed, secret) => scrubbed.replaceAll(secret, REDACTED), text)
}

/** A short password is redacted if it stands by itself. */
export function redactPasswords (text: string, passwords: readonly string[]): string {
  const short = longestFirst(passwords).filter(({ length }) => length > 0 && length < DISTINCTIVE)
  return short.reduce((scrubbed, password) => scrubbed.replace(asWord(password), REDACTED), redactTexts(text, passwords))
}

/** One secret may be a part of another. */
function longestFirst (secrets: readonly string[]): string[] {
  return [...secrets].sort((a, b) => b.length - a.length)
}

function asWord (text: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}])${text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')}(?![\\p{L}\\p{N}])`, 'gu')
}
