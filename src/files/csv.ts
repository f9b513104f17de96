/** Comma-separated values as RFC 4180 defines them: the form of Kubernetes' static token file. */
import type { Fault } from '../errors.js'

export interface CsvRecord {
  /** Where it begins, from 1: a quoted field may hold line breaks. */
  readonly line: number
  readonly fields: readonly string[]
}

// one field and what ends it: a comma, a line break, or the end of the text
const FIELD = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r?\n|$)/y

/** Every record, and a fault for each line whose quotes are wrong; empty lines are skipped. */
export function parseCsv (text: string): { records: CsvRecord[], faults: Fault[] } {
  const records: CsvRecord[] = []
  const faults: Fault[] = []
  let line = 1
  let offset = 0
  while (offset < text.length) {
    const record = readRecord(text, offset)
    if (record === undefined) {
      faults.push({ path: '', line, message: 'a quote is not closed, or stands inside a field without quotes; write a field with quotes or commas as "…", and a quote in it twice' })
    } else if (record.fields.length > 1 || record.fields[0] !== '') {
      records.push({ line, fields: record.fields })
    }
    const end = record?.end ?? nextLine(text, offset)
    line += text.slice(offset, end).split('\n').length - 1
    offset = end
  }
  return { records, faults }
}

function readRecord (text: string, start: number): { fields: string[], end: number } | undefined {
  const fields: string[] = []
  FIELD.lastIndex = start
  for (;;) {
    const match = FIELD.exec(text)
    if (match === null) return undefined
    const [, field = '', delimiter = ''] = match
    fields.push(field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field)
    if (delimiter !== ',') return { fields, end: FIELD.lastIndex }
  }
}

function nextLine (text: string, offset: number): number {
  const end = text.indexOf('\n', offset)
  return end === -1 ? text.length : end + 1
}
