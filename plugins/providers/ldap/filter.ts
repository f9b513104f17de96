/**
 * Search filters of the config, RFC 4515, and what is put into them. What
 * people type is escaped here, once: ldapts parses the text and sends values as
 * they are.
 */
import { Filter, FilterParser } from 'ldapts'

/** Puts values into the `{placeholders}` of a filter. In one pass: a value that looks like a placeholder stays what it is. */
export function fillFilter (template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(PLACEHOLDER, (whole, name: string) => values[name] === undefined ? whole : Filter.escape(values[name]))
}

const PLACEHOLDER = /\{([a-z]+)\}/gi

export function placeholdersOf (template: string): string[] {
  return [...template.matchAll(PLACEHOLDER)].map(match => match[1]!)
}

/** What is wrong with a filter of the config, if anything is. */
export function filterFault (template: string, placeholders: readonly string[]): string | undefined {
  const unknown = placeholdersOf(template).find(name => !placeholders.includes(name))
  if (unknown !== undefined) return `knows no {${unknown}}; there ${placeholders.length === 1 ? 'is' : 'are'} ${placeholders.map(name => `{${name}}`).join(' and ')}`
  // ldapts takes each escaped byte for a letter of its own
  if (/\\[89a-f][0-9a-f]/i.test(template)) return 'escapes a letter outside of ASCII; write the letter itself'
  try {
    FilterParser.parseString(fillFilter(template, Object.fromEntries(placeholders.map(name => [name, 'x']))))
    return undefined
  } catch (error) {
    return `is no search filter: ${(error as Error).message.split('. Full string')[0]}`
  }
}

/** One comparison of a filter with what was typed: `(mail={username}@example.com)`. */
export interface Comparison {
  readonly attribute: string
  /** With the placeholder. */
  readonly value: string
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
