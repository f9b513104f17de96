/**
 * Search filters of the config, RFC 4515, and what is put into them. What
 * people type is escaped here, once: ldapts parses the text and sends values as
 * they are.
 */
import { Filter, FilterParser } from 'ldapts'

/**
 * A filter of the config in one line, in parentheses, and with letters beyond
 * ASCII as themselves, since ldapts takes each escaped byte for a letter. Line
 * breaks and spaces between parentheses mean nothing; those in a value do.
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

/** The text that escaped bytes are; `undefined` if they are none. */
function decode (escaped: string): string | undefined {
  try {
    return utf8.decode(Buffer.from(escaped.replaceAll('\\', ''), 'hex'))
  } catch {
    return undefined
  }
}

const utf8 = new TextDecoder('utf8', { fatal: true })

/** Puts values into the `{placeholders}` of a filter. In one pass: a value that looks like a placeholder stays what it is. */
export function fillFilter (template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(PLACEHOLDER, (whole, name: string) => values[name] === undefined ? whole : Filter.escape(values[name]))
}

export const PLACEHOLDER = /\{([a-z][a-z0-9-]*)\}/gi

export function placeholdersOf (template: string): string[] {
  return [...template.matchAll(PLACEHOLDER)].map(match => match[1]!)
}

/** What is wrong with a filter of the config, if anything is. */
export function filterError (template: string, placeholders: readonly string[], { attributes = false } = {}): string | undefined {
  for (const name of placeholdersOf(template)) {
    const meant = placeholders.find(known => known.toLowerCase() === name.toLowerCase())
    if (meant === undefined && !attributes) return `knows no {${name}}; there ${placeholders.length === 1 ? 'is' : 'are'} ${placeholders.map(name => `{${name}}`).join(' and ')}`
    if (meant !== undefined && meant !== name) return `knows no {${name}}; write {${meant}}`
  }
  const [, escaped] = /\\(?![0-9a-f]{2})([^])/i.exec(template) ?? []
  if (escaped !== undefined) return `has a backslash before ${JSON.stringify(escaped)}: write \\5c for a backslash, and characters such as # and , as they are`
  const [bytes] = /\\[89a-f][0-9a-f]/i.exec(template) ?? []
  if (bytes !== undefined) return `has "${bytes}", which is not UTF-8: write the letter itself, or \\5c for a backslash`
  try {
    FilterParser.parseString(template.replace(PLACEHOLDER, 'x'))
    return undefined
  } catch (error) {
    return `is no search filter: ${(error as Error).message.split('. Full string')[0]}`
  }
}

/** One comparison of a filter with what was typed: `(mail={username}@example.com)`. */
export interface Comparison {
  readonly attribute: string
  /** As in the filter, with the placeholder. */
  readonly value: string
}

/** The value that an entry has to have for what was typed. */
export function expectedValue ({ value }: Comparison, typed: string): string {
  return value.split('{username}').map(unescape).join(typed)
}

/** Of a part of a filter as normalizeFilter() writes it: escapes are of ASCII only. */
function unescape (text: string): string {
  return text.replace(/\\([0-9a-f]{2})/gi, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** Every comparison with `{username}`. */
export function comparisonsOf (template: string): Comparison[] {
  return [...template.matchAll(/\(([a-z][a-z0-9-]*)[^()=]*=([^()]*\{username\}[^()]*)\)/gi)]
    .map(([, attribute, value]) => ({ attribute: attribute!, value: value! }))
}

/**
 * Directories find `rene` for `René`, `alice` for a full-width `ａlice`, and
 * think nothing of outer spaces. A name has to be the one that was typed, but
 * for the case of its letters; the long `ſ` is no `s`.
 */
export function isSameName (a: string, b: string): boolean {
  return a === b || foldName(a) === foldName(b)
}

/** One word for all names that are the same as this one. */
export function foldName (name: string): string {
  const composed = name.normalize('NFC')
  return `${composed.toLowerCase()} ${composed.toUpperCase()}`
}
