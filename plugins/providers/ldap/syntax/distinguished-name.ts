/** Distinguished names as text, RFC 4514: parses, compares and escapes them. */

/** One attribute and its unescaped value. */
export interface NamePart {
  /** Lower-case. */
  readonly type: string
  readonly value: string
}

/** Has several parts only if `+` joins them. */
export type RelativeName = readonly NamePart[]

/** Characters. Directories limit DNs to a few hundred; parsing much longer ones would block the event loop. */
export const LONGEST_DN = 8_192

/** The relative names from the entry up to the root; `undefined` if the text is not a DN or too long. */
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

// type=value and the separator. Quoted values are of RFC 2253, and still in use. A backslash must precede a special
// character or two hexadecimal digits
const PART = /^ *([a-z][a-z0-9-]*|\d+(?:\.\d+)*) *= *(?:"((?:[^"\\]|\\(?:[ "#+,;<=>\\]|[0-9a-f]{2}))*)" *|((?:[^"\\+,;<>]|\\(?:[ "#+,;<=>\\]|[0-9a-f]{2}))*))([+,;]|$)/i

/** Removes trailing spaces, except an escaped one. */
function trimEnd (value: string): string {
  let end = value.length
  while (value[end - 1] === ' ') end--
  let backslashes = 0
  while (value[end - 1 - backslashes] === '\\') backslashes++
  return value.slice(0, backslashes % 2 === 1 ? end + 1 : end)
}

/** `\,` is a comma, `\c3\a9` the UTF-8 bytes of `é`. */
function unescape (value: string): string {
  return value.replace(/(?:\\[0-9a-f]{2})+|\\([^])/gi, (run: string, character: string | undefined) =>
    character ?? Buffer.from(run.replaceAll('\\', ''), 'hex').toString('utf8'))
}

/** The value of an attribute in an entry's relative name: `alice` of `uid=alice,ou=people`. */
export function nameInDN (text: string, attribute: string): string | undefined {
  return parseDN(text)?.[0]?.find(({ type }) => type === attribute.toLowerCase())?.value
}

/** The DN of the entry above; empty if there is none. */
export function parentOf (text: string): string {
  return (parseDN(text) ?? []).slice(1).map(parts => parts.map(({ type, value }) => `${type}=${escapeInDN(value)}`).join('+')).join(',')
}

/** RFC 4514, 2.4. */
export function escapeInDN (value: string): string {
  return value
    .replace(/["+,;<>=\\]/g, '\\$&')
    .replaceAll('\0', '\\00')
    .replace(/^[ #]| $/g, '\\$&')
}

/** A key that all spellings of a DN share: ignores case, spaces and escapes. */
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
 * A key that all DNs share which some directory may treat as this one: also
 * ignores width, accents and invisible characters (RFC 4518 and beyond). For
 * counting, not for comparing: different entries may share it.
 */
export function coarseDN (text: string): string {
  const names = parseDN(text) ?? [[{ type: '', value: text }]]
  return normalize(names.map(parts => parts.map(({ type, value }) => ({ type, value: value.normalize('NFKD').replace(INVISIBLE, '').replace(/\s+/g, ' ') }))))
}

/** Combining accents, control characters, and characters that are not displayed. */
const INVISIBLE = /[\p{M}\p{C}\p{Default_Ignorable_Code_Point}]/gu

/** Whether the entry is the base or below it; `false` if either is not a DN. */
export function isUnder (text: string, base: string): boolean {
  const [names, ancestors] = [parseDN(text), parseDN(base)]
  if (names === undefined || ancestors === undefined || names.length < ancestors.length) return false
  return normalize(names.slice(names.length - ancestors.length)) === normalize(ancestors)
}

/** `DC=example,DC=test` of a DN in that domain; empty without a domain. */
export function domainOf (text: string): string {
  const names = parseDN(text) ?? []
  const first = names.findLastIndex(parts => parts[0]?.type !== 'dc') + 1
  return names.slice(first).map(([part]) => `DC=${escapeInDN(part?.value ?? '')}`).join(',')
}

/** `example.test` of a DN in `DC=example,DC=test`. */
export function dnsNameOf (text: string): string {
  return (parseDN(domainOf(text)) ?? []).map(([part]) => part?.value).join('.')
}
