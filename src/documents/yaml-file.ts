/**
 * A YAML file that is checked against a JSON Schema. Everything that is wrong
 * with it is found at once and carries its line.
 */
import { CORE_SCHEMA, EVENT_ID, YAMLException, constructFromEvents, parseEvents, type Event } from 'js-yaml'
import { ValidationError, type FieldError } from '../errors.js'
import { findAliasLimitError, findTextLimitError } from './size.js'
import { findErrors } from './schema-errors.js'
import { Outline } from './yaml-positions.js'
import type { ReadOptions } from '../files/read.js'
import { readText } from './text.js'

/** Don't keep one longer than its errors are of interest: it holds the whole text. */
export interface Document<T> {
  readonly file: string
  /** With the schema's defaults filled in. */
  readonly value: T
  /** 1-based line of a path such as `users[3].uid`, or of its nearest existing ancestor. */
  lineOf: (path: string) => number | undefined
}

/** A document that may be wrong: until `errors` is empty, `value` may have any form. */
export interface ParsedDocument<T> extends Document<T> {
  readonly errors: readonly FieldError[]
}

/** @throws ValidationError with everything that is wrong, in the order of lines */
export function parseDocument<T> (text: string, options: { file: string, schema: object }): Document<T> {
  const draft = validateDocument<T>(text, options)
  if (draft.errors.length > 0) throw validationError(draft, draft.errors)
  return draft
}

/** @throws ValidationError also where there is no such file, or it can't be read or isn't UTF-8 */
export async function readDocument<T> (file: string, schema: object, options?: ReadOptions): Promise<Document<T>> {
  return parseDocument<T>(await readText(file, options), { file, schema })
}

/**
 * For readers that have rules of their own beside the schema's and report all errors together.
 * @throws ValidationError where the text is empty or no YAML at all
 */
export function validateDocument<T> (text: string, { file, schema }: { file: string, schema: object }): ParsedDocument<T> {
  // positions are only asked for when something is wrong: large files that are right don't pay for them
  let outline: Outline | undefined
  const lineOf = (path: string) => (outline ??= new Outline(text)).lineOf(path)
  try {
    refuse(findTextLimitError(text), file)
    const events = parseEvents(text, {})
    refuseOtherThanOne(events, text, file)
    refuse(findAliasLimitError(events, text), file)
    const { value, duplicates } = construct(events, text)
    const errors = [...duplicates, ...findErrors(value, schema, { lineOf })]
    return { file, value: value as T, lineOf, errors }
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error
    throw new ValidationError(file, [{ path: '', line: error.mark && error.mark.line + 1, message: `is not valid YAML: ${withoutInput(error.reason)}` }])
  }
}

/** What to throw for errors: with lines where they have none yet, and in their order. */
export function validationError ({ file, lineOf }: Document<unknown>, errors: readonly FieldError[]): ValidationError {
  const placed = errors.map((error) => ({ ...error, line: error.line ?? lineOf(error.path) }))
  return new ValidationError(file, placed.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)))
}

function refuse (error: FieldError | undefined, file: string): void {
  if (error !== undefined) throw new ValidationError(file, [error])
}

function refuseOtherThanOne (events: Event[], text: string, file: string): void {
  const documents = events.filter(({ type }) => type === EVENT_ID.DOCUMENT).length
  if (documents === 0) throw new ValidationError(file, [{ path: '', message: 'is empty' }])
  if (documents > 1) {
    const line = text.slice(0, secondMarker(text)).split(/\r\n|\r|\n/).length
    throw new ValidationError(file, [{ path: '', line, message: 'holds more than one YAML document; remove the "---" between them' }])
  }
}

/** Offset of the `---` that begins the second document. */
function secondMarker (text: string): number {
  const markers = [...text.matchAll(/^---/gm)].map(({ index }) => index)
  const content = text.search(/^(?!---)[^#%\s]/m)
  return markers.find((marker) => marker > content) ?? text.length
}

/** The value; where keys are there twice, these as errors, and the later one's value, so that all else is checked too. */
function construct (events: Event[], source: string): { value: unknown, duplicates: FieldError[] } {
  try {
    return { value: constructFromEvents(events, { source, schema: CORE_SCHEMA })[0], duplicates: [] }
  } catch (error) {
    const duplicates = new Outline(source).duplicates()
    if (duplicates.length === 0) throw error
    return { value: constructFromEvents(events, { source, schema: CORE_SCHEMA, json: true })[0], duplicates }
  }
}

/** The parser's reason, but for the piece of the file that some of them quote: it may be a password. */
function withoutInput (reason: string): string {
  if (reason.includes('alias')) return 'an alias of an anchor that is not there; a value that starts with "*" must be quoted'
  if (reason.includes('maxDepth')) return 'it is nested too deeply, in more than 100 levels'
  if (/\btag\b/.test(reason)) return 'a tag that is not known here; a value that starts with "!" must be quoted'
  return reason
}
