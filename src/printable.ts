/**
 * What a terminal obeys or hides, written as escapes: controls, bidi marks,
 * line separators and characters that nobody sees. Names of a directory, files
 * and answers of other servers end on a screen and in logs.
 */
import { randomBytes } from 'node:crypto'
import { dump } from 'js-yaml'

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu
/** Line breaks are the format's own. */
const UNPRINTABLE_IN_LINES = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

/** One line, whatever the text: a line break in it becomes `\n`. */
export function escapeLine (text: string): string {
  return text.replace(UNPRINTABLE, escape)
}

/** Lines of our own, in which a value may stand. */
export function escapeLines (text: string): string {
  return text.replace(UNPRINTABLE_IN_LINES, escape)
}

/** The same JSON, in ASCII escapes where it matters: they stand inside of strings, where they mean the same. */
export function escapeJson (json: string): string {
  return json.replace(UNPRINTABLE_IN_LINES, (character) => character.replace(/[^]/g, (unit) => `\\u${hex(unit.charCodeAt(0), 4)}`))
}

/** YAML that says the same as the value's JSON. Texts that have to be escaped stand in double quotes. */
export function formatYaml (value: unknown): string {
  // js-yaml escapes some of them; what it would leave is put in afterwards, for a word that is nowhere else
  const word = `x${randomBytes(16).toString('hex')}x`
  const texts: string[] = []
  const marked = (text: string): string => text.search(UNPRINTABLE_IN_LINES) === -1 ? text : `${word}${texts.push(text) - 1}x`
  const mark = (node: unknown): unknown => {
    if (typeof node === 'string') return marked(node)
    if (Array.isArray(node)) return node.map(mark)
    if (typeof node !== 'object' || node === null) return node
    return Object.fromEntries(Object.entries(node).map(([key, child]) => [marked(key), mark(child)]))
  }
  // by way of JSON, so that both formats say the same of dates and absent fields
  const yaml = dump(mark(JSON.parse(JSON.stringify(value))), { lineWidth: -1, noRefs: true })
  return yaml.replace(new RegExp(`${word}(\\d+)x`, 'g'), (_word, index: string) => quote(texts[Number(index)]!))
}

function quote (text: string): string {
  return JSON.stringify(text).replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0)!
    return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`
  })
}

/** The value of a JSON line, every text in it escaped: for whoever prints them as they are. */
export function escapeTexts (value: unknown): unknown {
  if (typeof value === 'string') return value.split(FRAME).map(escapeLine).join('\n')
  if (Array.isArray(value)) return value.map(escapeTexts)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [escapeLine(key), escapeTexts(child)]))
}

/** What breaks the lines of a stack. */
const FRAME = /\n(?=[ ]+at |caused by: )/

const SHORT: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function escape (character: string): string {
  const code = character.codePointAt(0)!
  return SHORT[character] ?? (code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${hex(code, 4)}`)
}

function hex (code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0')
}
