/**
 * Distinguished names as text, RFC 4514: one's parts, one under another, two
 * spellings of one, and a value put into one.
 */

/** One attribute and its value; the value without escapes. */
export interface NamePart {
  /** Lower-case. */
  readonly type: string
  readonly value: string
}

/** A relative name has several parts only where `+` joins them. */
export type RelativeName = readonly NamePart[]

/** Characters. Directories limit theirs to a few hundred; to take a longer one apart would hold up everybody else. */
export const LONGEST_DN = 8_192

/** The relative names from the entry up to the root; `undefined` for what is no DN, or too long for one. */
export function parseDN (text: string): RelativeName[] | undefined {
  if (text === '') return []
  if (text.length > LONGEST_DN) return undefined
  const names: NamePart[][] = [[]]
  let rest = text
  for (;;) {
    const match = PART.exec(rest)
    if (match === null) return undefined
    const [whole, type = '', quoted, plain = '', separator = ''] = match
    names.at(-1)!.push({ type: type.toLowerCase(), value: unescape(quoted ?? trimEnd(plain)) })
    rest = rest.slice(whole.length)
    if (separator === '') return rest === '' ? names : undefined
    if (separator !== '+') names.push([])
  }
}

// type=value, and what follows: a quoted value is of RFC 2253, and still met. A backslash stands before a special
// character or two hexadecimal digits, or the name is malformed
const PART = /^ *([a-z][a-z0-9-]*|\d+(?:\.\d+)*) *= *(?:"((?:[^"\\]|\\(?:[ "#+,;<=>\\]|[0-9a-f]{2}))*)" *|((?:[^"\\+,;<>]|\\(?:[ "#+,;<=>\\]|[0-9a-f]{2}))*))([+,;]|$)/i

/** Without the spaces at its end, but for one that is escaped. */
function trimEnd (value: string): string {
  let end = value.length
  while (value[end - 1] === ' ') end--
  let backslashes = 0
  while (value[end - 1 - backslashes] === '\\') backslashes++
  return value.slice(0, backslashes % 2 === 1 ? end + 1 : end)
}

/** `\,` is a comma, and a run of `\c3\a9` the UTF-8 of a letter. */
function unescape (value: string): string {
  return value.replace(/(?:\\[0-9a-f]{2})+|\\([^])/gi, (run: string, character: string | undefined) =>
    character ?? Buffer.from(run.replaceAll('\\', ''), 'hex').toString('utf8'))
}

/** The value that an entry's own name gives an attribute: `alice` of `uid=alice,ou=people`. */
export function nameInDN (text: string, attribute: string): string | undefined {
  return parseDN(text)?.[0]?.find(({ type }) => type === attribute.toLowerCase())?.value
}

/** The value as it may stand in a DN: RFC 4514, 2.4. */
export function escapeInDN (value: string): string {
  return value
    .replace(/["+,;<>=\\]/g, '\\$&')
    .replaceAll('\0', '\\00')
    .replace(/^[ #]| $/g, '\\$&')
}

/** One word for all spellings of a DN: without regard to case, spaces and ways to escape. */
export function normalizeDN (text: string): string {
  const names = parseDN(text)
  return names === undefined ? text.toLowerCase() : normalize(names)
}

function normalize (names: readonly RelativeName[]): string {
  return JSON.stringify(names.map(parts => parts.map(({ type, value }) => `${type}=${fold(value)}`).sort()))
}

function fold (value: string): string {
  return value.normalize('NFC').trim().replace(/ +/g, ' ').toLowerCase()
}

/**
 * One word for all names that some directory may take for this one: letters of
 * another width or with an accent, and characters that nobody sees (RFC 4518
 * and what goes beyond it). Coarser than sameness, for who has to count.
 */
export function coarseDN (text: string): string {
  const names = parseDN(text) ?? [[{ type: '', value: text }]]
  return normalize(names.map(parts => parts.map(({ type, value }) => ({ type, value: value.normalize('NFKD').replace(INVISIBLE, '').replace(/\s+/g, ' ') }))))
}

/** Accents once they stand by themselves, controls, and what is drawn as nothing. */
const INVISIBLE = /[\p{M}\p{C}\p{Default_Ignorable_Code_Point}]/gu

/** Is the entry the base itself, or below it? What is no DN is nowhere. */
export function isUnder (text: string, base: string): boolean {
  const [names, ancestors] = [parseDN(text), parseDN(base)]
  if (names === undefined || ancestors === undefined || names.length < ancestors.length) return false
  return normalize(names.slice(names.length - ancestors.length)) === normalize(ancestors)
}

/** `DC=example,DC=test` of a name in a domain; empty where there is none. */
export function domainOf (text: string): string {
  const names = parseDN(text) ?? []
  const first = names.findLastIndex(parts => parts[0]?.type !== 'dc') + 1
  return names.slice(first).map(parts => `DC=${escapeInDN(parts[0]!.value)}`).join(',')
}

/** `example.test` of a name in `DC=example,DC=test`. */
export function dnsNameOf (text: string): string {
  return (parseDN(domainOf(text)) ?? []).map(parts => parts[0]!.value).join('.')
}
