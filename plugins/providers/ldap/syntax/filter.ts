/**
 * Search filters of the config, RFC 4515, and the values filled into them.
 * Typed names are escaped here, once: ldapts parses the text and sends the
 * unescaped values.
 */
import { Filter, FilterParser } from 'ldapts'
import { messageOf } from '../../../../src/errors.js'

/**
 * A filter of the config on one line, in parentheses, and with unescaped
 * non-ASCII characters, since ldapts reads each escaped byte as a character.
 * Line breaks and spaces are removed between parentheses, not within a value.
 */
export function normalizeFilter (written: string): string {
  const text = written.trim()
    .replace(/\s*[\r\n]\s*(?=[()])/g, '')
    .replace(/\(\s+/g, '(')
    .replace(/\(([&|!])\s+/g, '($1')
    .replace(/\)\s+(?=[()])/g, ')')
    .replace(/(?:\\[89a-f][0-9a-f])+/gi, run => decode(run) ?? run)
  return text === '' || text.startsWith('(') ? text : `(${text})`
}

/** `undefined` if the escaped bytes are not UTF-8. */
function decode (escaped: string): string | undefined {
  try {
    return utf8.decode(Buffer.from(escaped.replaceAll('\\', ''), 'hex'))
  } catch {
    return undefined
  }
}

const utf8 = new TextDecoder('utf8', { fatal: true })

/** Fills in the `{placeholders}` of a filter. In one pass: values that look like placeholders are not expanded. */
export function fillFilter (template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(PLACEHOLDER, (whole, name: string) => values[name] === undefined ? whole : Filter.escape(values[name]))
}

export const PLACEHOLDER = /\{([a-z][a-z0-9-]*)\}/gi

export function placeholdersOf (template: string): string[] {
  return [...template.matchAll(PLACEHOLDER)].map(([, name = '']) => name)
}

/** `(|…)`, or the filter itself if it is the only one. */
export function anyOf (filters: readonly string[]): string {
  return filters.length === 1 ? filters.join('') : `(|${filters.join('')})`
}

/** Validates a filter of the config. */
export function filterError (template: string, placeholders: readonly string[], { attributes = false } = {}): string | undefined {
  for (const name of placeholdersOf(template)) {
    const known = placeholders.find(known => known.toLowerCase() === name.toLowerCase())
    if (known === undefined && !attributes) return `has an unknown placeholder {${name}}: use ${placeholders.map(name => `{${name}}`).join(' or ')}`
    if (known !== undefined && known !== name) return `has an unknown placeholder {${name}}: use {${known}}`
  }
  const [, escaped] = /\\(?![0-9a-f]{2})([^])/i.exec(template) ?? []
  if (escaped !== undefined) return `has a backslash before ${JSON.stringify(escaped)}: write \\5c for a backslash, and do not escape characters such as # and ,`
  const [bytes] = /\\[89a-f][0-9a-f]/i.exec(template) ?? []
  if (bytes !== undefined) return `has "${bytes}", which is not UTF-8: write the character itself, or \\5c for a backslash`
  try {
    FilterParser.parseString(template.replace(PLACEHOLDER, 'x'))
    return undefined
  } catch (error) {
    return `is not a search filter: ${messageOf(error).split('. Full string')[0]}`
  }
}

/** A comparison of a filter with the typed name: `(mail={username}@example.com)`. */
export interface Comparison {
  readonly attribute: string
  /** With the placeholder. */
  readonly value: string
}

/** The value that an entry must have to match the typed name. */
export function expectedValue ({ value }: Comparison, typed: string): string {
  return value.split('{username}').map(unescape).join(typed)
}

/** The typed name for which an entry with this value matches: the inverse of {@link expectedValue}. */
export function typedName (comparison: Comparison, value: string): string | undefined {
  const parts = comparison.value.split('{username}').map(unescape)
  const name = value.slice(parts[0]!.length, value.length - parts.at(-1)!.length)
  return name !== '' && isSameName(expectedValue(comparison, name), value) ? name : undefined
}

/** After normalizeFilter(), only ASCII characters are escaped. */
function unescape (text: string): string {
  return text.replace(/\\([0-9a-f]{2})/gi, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** Every comparison with `{username}`. */
export function comparisonsOf (template: string): Comparison[] {
  return [...template.matchAll(/\(([a-z][a-z0-9-]*)[^()=]*=([^()]*\{username\}[^()]*)\)/gi)]
    .map(([, attribute = '', value = '']) => ({ attribute, value }))
}

/**
 * Whether two names differ only in case. Directories are more lenient: they
 * find `rene` for `René` and `alice` for a full-width `ａlice`, and ignore outer
 * spaces. The long `ſ` is not an `s`.
 */
export function isSameName (a: string, b: string): boolean {
  return a === b || foldName(a) === foldName(b)
}

/** A key that all names share which differ only in case. */
export function foldName (name: string): string {
  const composed = name.normalize('NFC')
  return `${composed.toLowerCase()} ${composed.toUpperCase()}`
}
