/**
 * Maps a provider's names to those that Kubernetes sees: NFC, the provider's
 * prefixes, no duplicates. Names that a log, a terminal or a RoleBinding would
 * misread are invalid: control, format, surrogate, invisible or line-separating
 * characters, outer white space, a leading combining mark, an empty name, more
 * than 256 bytes.
 */
import type { UserInfo } from '../../schemas/token-review.js'

export const MAX_NAME_BYTES = 256

// true of nearly every name; skips the other checks
const PLAIN = /^[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?$/
// besides Unicode's ignorable characters: the blank Braille pattern, which is invisible too. A leading
// mark is drawn onto the character before the name, and may compose with it
const FORBIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800]|^\p{M}|^\s|\s$/u
const SURROGATE = /\p{Cs}/u

/** Whether it can be encoded as UTF-8: a lone surrogate can't, and JSON decoders replace it. */
export function isText (value: string): boolean {
  return !SURROGATE.test(value)
}

/** The name in NFC with its prefix, or `undefined` if it is not valid. Idempotent. */
export function canonicalName (name: string, prefix = ''): string | undefined {
  if (PLAIN.test(name) && (prefix === '' || PLAIN.test(prefix + name))) return prefix + name
  const normal = name.normalize('NFC')
  if (normal === '' || FORBIDDEN.test(normal)) return undefined
  const full = prefix + normal
  // letters that compose across the boundary would hide where the prefix ends
  const whole = prefix === '' || (full.normalize('NFC') === full && !FORBIDDEN.test(full))
  return whole && Buffer.byteLength(full) <= MAX_NAME_BYTES ? full : undefined
}

/** Why {@link canonicalName} gives nothing for this name, and what to do. */
export function whyNoName (name: string): string {
  const normal = name.normalize('NFC')
  if (normal === '') return 'must not be empty'
  if (/^\s|\s$/u.test(normal)) return 'begins or ends with white space: remove it'
  if (/^\p{M}/u.test(normal)) return 'begins with a combining mark, which is drawn onto what stands before the name: remove it'
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(normal)) return 'contains a control character or a line break: remove it'
  if (!isText(normal)) return 'contains half a character, such as \\ud83d: write the whole of it'
  if (FORBIDDEN.test(normal)) return 'contains an invisible character: retype the name'
  return `is longer than ${MAX_NAME_BYTES} bytes of UTF-8: shorten it`
}

export interface Prefixes {
  readonly usernamePrefix: string
  readonly groupPrefix: string
}

/** Names that a provider gave and that Kubernetes will not see. */
export interface DroppedNames {
  readonly uid: readonly string[]
  readonly group: readonly string[]
  readonly extra: readonly string[]
}

/** A mapped user, and the names that were dropped on the way. */
export interface Mapped {
  readonly user: UserInfo
  readonly dropped: DroppedNames
}

/**
 * A new UserInfo with mapped names; `undefined` if the username is not valid. An
 * invalid group, uid or extra key is dropped, and so is a key with a value that is
 * not text.
 */
export function mapUser (user: UserInfo, { usernamePrefix, groupPrefix }: Prefixes): Mapped | undefined {
  const username = canonicalName(user.username, usernamePrefix)
  if (username === undefined) return undefined
  const dropped: Record<keyof DroppedNames, string[]> = { uid: [], group: [], extra: [] }
  const mapped: UserInfo = { username }
  if (user.uid !== undefined && user.uid !== '') {
    if (canonicalName(user.uid) === user.uid) mapped.uid = user.uid
    else dropped.uid.push(user.uid)
  }
  if (user.groups !== undefined) {
    const groups = new Set<string>()
    for (const group of user.groups) {
      const name = canonicalName(group, groupPrefix)
      if (name === undefined) dropped.group.push(group)
      else groups.add(name)
    }
    if (groups.size > 0) mapped.groups = [...groups]
  }
  if (user.extra !== undefined) {
    const entries = Object.entries(user.extra)
    const kept = entries.filter(([key, values]) => canonicalName(key) === key && values.every(isText))
    if (kept.length < entries.length) dropped.extra = entries.filter(entry => !kept.includes(entry)).map(([key]) => key)
    // fromEntries defines properties, so that __proto__ is a key like any other
    if (kept.length > 0) mapped.extra = Object.fromEntries(kept.map(([key, values]) => [key, [...values]]))
  }
  return { user: mapped, dropped }
}
