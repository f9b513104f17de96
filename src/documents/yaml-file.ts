/** YAML files, validated against a JSON Schema. All errors are found at once, with their lines. */
import { CORE_SCHEMA, EVENT_ID, YAMLException, constructFromEvents, parseEvents, type Event } from 'js-yaml'
import { ValidationError, type FieldError } from '../errors.js'
import { findAliasLimitError, findTextLimitError } from './yaml-limits.js'
import { findErrors } from './schema-errors.js'
import { YamlPositions, lineAt } from './yaml-positions.js'
import type { ReadOptions } from '../files/read.js'
import { readText } from './text.js'

/** Keeps the whole text in memory. */
export interface Document<T> {
  readonly file: string
  /** With the schema's defaults filled in. */
  readonly value: T
  /** 1-based line of a path such as `users[3].uid`, or of its nearest existing ancestor. */
  lineOf: (path: string) => number | undefined
}

/** A document that may be invalid: if it has errors, `value` may be anything. */
export interface ParsedDocument<T> extends Document<T> {
  readonly errors: readonly FieldError[]
}

/** @throws ValidationError with all errors, in the order of lines */
export function parseDocument<T> (text: string, options: { file: string, schema: object }): Document<T> {
  const document = validateDocument<T>(text, options)
  if (document.errors.length > 0) throw validationError(document, document.errors)
  return document
}

/** @throws ValidationError, also if the file can't be read or isn't UTF-8 */
export async function readDocument<T> (file: string, schema: object, options?: ReadOptions): Promise<Document<T>> {
  return parseDocument<T>(await readText(file, options), { file, schema })
}

/**
 * For callers that have rules of their own and report all errors together.
 * @throws ValidationError if the text is empty or not YAML
 */
export function validateDocument<T> (text: string, { file, schema }: { file: string, schema: object }): ParsedDocument<T> {
  let positions: YamlPositions | undefined
  const lineOf = (path: string) => (positions ??= new YamlPositions(text)).lineOf(path)
  try {
    throwIfFound(findTextLimitError(text), file)
    const events = parseEvents(text, {})
    throwIfFound(findCountError(events, text), file)
    throwIfFound(findAliasLimitError(events, text), file)
    const { value, duplicates } = construct(events, text)
    const errors = [...duplicates, ...findErrors(value, schema, { lineOf })]
    return { file, value: value as T, lineOf, errors }
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error
    throw new ValidationError(file, [{ path: '', line: error.mark && error.mark.line + 1, message: `is not valid YAML: ${withoutInput(error.reason)}` }])
  }
}

/** Adds missing lines to the errors and sorts them by line. */
export function validationError ({ file, lineOf }: Document<unknown>, errors: readonly FieldError[]): ValidationError {
  const placed = errors.map((error) => ({ ...error, line: error.line ?? lineOf(error.path) }))
  return new ValidationError(file, placed.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)))
}

function throwIfFound (error: FieldError | undefined, file: string): void {
  if (error !== undefined) throw new ValidationError(file, [error])
}

function findCountError (events: Event[], text: string): FieldError | undefined {
  const documents = events.filter(({ type }) => type === EVENT_ID.DOCUMENT).length
  if (documents === 0) return { path: '', message: 'is empty' }
  if (documents === 1) return undefined
  const content = text.search(/^(?!---)[^#%\s]/m)
  const second = [...text.matchAll(/^---/gm)].find(({ index }) => index > content)
  return { path: '', line: lineAt(text, second?.index), message: 'has more than one YAML document: remove the "---" between them' }
}

/** Of a duplicate key, which is an error, the last value counts, so that everything else is validated too. */
function construct (events: Event[], source: string): { value: unknown, duplicates: FieldError[] } {
  try {
    return { value: constructFromEvents(events, { source, schema: CORE_SCHEMA })[0], duplicates: [] }
  } catch (error) {
    const duplicates = new YamlPositions(source).findDuplicates()
    if (duplicates.length === 0) throw error
    return { value: constructFromEvents(events, { source, schema: CORE_SCHEMA, json: true })[0], duplicates }
  }
}

/** The parser's reason. Some quote the file, which may be a password there. */
function withoutInput (reason: string): string {
  if (reason.includes('alias')) return 'an alias without an anchor; quote a value that starts with "*"'
  if (reason.includes('maxDepth')) return 'more than 100 levels of nesting'
  if (/\btag\b/.test(reason)) return 'an unknown tag; quote a value that starts with "!"'
  return reason
}
