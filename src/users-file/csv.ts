/** Comma-separated values as RFC 4180 defines them: the form of Kubernetes' static token file. */
import type { FieldError } from '../errors.js'

export interface CsvRecord {
  /** Where it begins, from 1: a quoted field may hold line breaks. */
  readonly line: number
  readonly fields: readonly string[]
}

const PLAIN = /[^",\r\n]*/y
/** What ends a field: a comma, a line break, or the end of the text. */
const DELIMITER = /,|\r?\n|$/y

/** Every record, and an error for each line whose quotes are wrong; empty lines are skipped. */
export function parseCsv (text: string): { records: CsvRecord[], errors: FieldError[] } {
  const records: CsvRecord[] = []
  const errors: FieldError[] = []
  let line = 1
  let offset = 0
  while (offset < text.length) {
    const record = readRecord(text, offset)
    if (record === undefined) {
      errors.push({ path: '', line, message: 'a quote is not closed, or stands inside a field without quotes; write a field with quotes or commas as "…", and a quote in it twice' })
    } else if (record.fields.length > 1 || record.fields[0] !== '') {
      records.push({ line, fields: record.fields })
    }
    const end = record?.end ?? nextLine(text, offset)
    line += text.slice(offset, end).split('\n').length - 1
    offset = end
  }
  return { records, errors }
}

function readRecord (text: string, start: number): { fields: string[], end: number } | undefined {
  const fields: string[] = []
  let offset = start
  for (;;) {
    const quoted = text[offset] === '"'
    const end = quoted ? endOfQuotes(text, offset) : endOf(PLAIN, text, offset)
    const next = end === undefined ? undefined : endOf(DELIMITER, text, end)
    if (end === undefined || next === undefined) return undefined
    fields.push(quoted ? text.slice(offset + 1, end - 1).replaceAll('""', '"') : text.slice(offset, end))
    if (text[end] !== ',') return { fields, end: next }
    offset = next
  }
}

/** Behind the closing quote. A pattern for all of it would overflow the stack at a field of megabytes. */
function endOfQuotes (text: string, open: number): number | undefined {
  for (let quote = text.indexOf('"', open + 1); quote !== -1; quote = text.indexOf('"', quote + 2)) {
    if (text[quote + 1] !== '"') return quote + 1
  }
  return undefined
}

function endOf (sticky: RegExp, text: string, offset: number): number | undefined {
  sticky.lastIndex = offset
  return sticky.test(text) ? sticky.lastIndex : undefined
}

function nextLine (text: string, offset: number): number {
  const end = text.indexOf('\n', offset)
  return end === -1 ? text.length : end + 1
}
