/**
 * Escapes characters that a terminal interprets or hides: controls, bidi marks,
 * line separators and invisible characters. Names from directories and files, and
 * answers of other servers, end up on terminals and in logs.
 */
export const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu
/** Line breaks are part of the format. */
export const UNPRINTABLE_IN_LINES = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

/** Returns a single line: a line break becomes `\n`. */
export function escapeLine (text: string): string {
  return text.replace(UNPRINTABLE, escape)
}

/** Keeps line breaks. */
export function escapeLines (text: string): string {
  return text.replace(UNPRINTABLE_IN_LINES, escape)
}

/** Returns equivalent JSON: such characters occur only inside strings, where escapes mean the same. */
export function escapeJson (json: string): string {
  return json.replace(UNPRINTABLE_IN_LINES, (character) => character.replace(/[^]/g, (unit) => `\\u${hex(unit.charCodeAt(0), 4)}`))
}

/** Escapes every text in a value of JSON, for a printer that does not. */
export function escapeTexts (value: unknown): unknown {
  return mapTexts(value, text => text.split(FRAME).map(escapeLine).join('\n'), escapeLine)
}

/** Line breaks of a stack trace. */
const FRAME = /\n(?=[ ]+at |caused by: )/

export function mapTexts (value: unknown, mapText: (text: string) => string, mapKey: (key: string) => string): unknown {
  if (typeof value === 'string') return mapText(value)
  if (Array.isArray(value)) return value.map(each => mapTexts(each, mapText, mapKey))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [mapKey(key), mapTexts(child, mapText, mapKey)]))
}

const SHORT: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function escape (character: string): string {
  const code = character.codePointAt(0)!
  return SHORT[character] ?? (code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${hex(code, 4)}`)
}

export function hex (code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0')
}
