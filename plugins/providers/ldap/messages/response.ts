/**
 * The grammar of what a directory may answer to a bind, a search or StartTLS,
 * RFC 4511, 4.1 to 4.14. ldapts reads an answer only after it was checked here:
 * its own reader takes a missing result code for a success, and can loop on an
 * element that ends before its length.
 */
import { isUtf8 } from 'node:buffer'
import { AnswerError, Elements, Tag } from './ber.js'
import type { Allowance } from './allowance.js'
import { LONGEST_DN } from '../syntax/distinguished-name.js'

/** A request in flight. */
export interface Request {
  readonly id: number
  readonly operation: number
}

/** The last message of an answer. */
export interface Result {
  readonly kind: 'result'
  /** RFC 4511, 4.1.9; 0 is success. */
  readonly code: number
  readonly diagnostic: string
  /** Of an extended response; may be empty. */
  readonly name: string
  /** Of a page that is not the last one, RFC 2696. */
  readonly cookie?: Buffer
}

export type Response = { readonly kind: 'entry' | 'reference' } | Result

export const Operation = { bind: 0x60, unbind: 0x42, search: 0x63, extended: 0x77 } as const

const [BIND_RESPONSE, SEARCH_ENTRY, SEARCH_RESULT, SEARCH_REFERENCE, EXTENDED_RESPONSE] = [0x61, 0x64, 0x65, 0x73, 0x78] as const
const CONTROLS = 0xa0
const RESPONSE_NAME = 0x8a

const ANSWERS: Readonly<Record<number, readonly number[]>> = {
  [Operation.bind]: [BIND_RESPONSE],
  [Operation.search]: [SEARCH_ENTRY, SEARCH_REFERENCE, SEARCH_RESULT],
  [Operation.extended]: [EXTENDED_RESPONSE]
}

export const PAGED_RESULTS = '1.2.840.113556.1.4.319'
const NOTICE_OF_DISCONNECTION = '1.3.6.1.4.1.1466.20036'

/** Attribute names with another meaning to ldapts. */
const RESERVED_ATTRIBUTES = new Set(['dn', '__proto__'])

/** Characters. Active Directory's messages have about 150, and say in them why it rejected a bind. */
const LONGEST_MESSAGE = 1_000

/** @throws AnswerError unless `bytes` are one message that may answer the request */
export function checkResponse (bytes: Buffer, request: Request, allowance: Allowance): Response {
  const whole = new Elements(bytes, allowance)
  const message = whole.enter(Tag.sequence, 'the message')
  whole.finish('the message')
  const id = message.number(Tag.integer, 'the message ID')
  const operation = message.next
  if (id === 0 && operation === EXTENDED_RESPONSE) throw noticeOf(message.enter(EXTENDED_RESPONSE, 'the notice'))
  if (id !== request.id) throw new AnswerError('it is for another request')
  if (operation === undefined || ANSWERS[request.operation]?.includes(operation) !== true) throw new AnswerError('it answers another kind of request')
  const response = checkOperation(message.enter(operation, 'the operation'), operation)
  const cookie = message.next === CONTROLS ? checkControls(message.enter(CONTROLS, 'the controls')) : undefined
  message.finish('the message')
  return response.kind === 'result' && cookie !== undefined ? { ...response, cookie } : response
}

/** Reads a request that ldapts wrote. */
export function requestOf (bytes: Buffer): Request {
  const message = new Elements(bytes, { elements: 3 }).enter(Tag.sequence, 'the request')
  return { id: message.number(Tag.integer, 'its message ID'), operation: message.next! }
}

function checkOperation (fields: Elements, operation: number): Response {
  switch (operation) {
    case SEARCH_ENTRY: return checkEntry(fields)
    case SEARCH_REFERENCE: return checkReference(fields)
    default: return readResult(fields)
  }
}

function readResult (fields: Elements): Result {
  const code = fields.number(Tag.enumerated, 'the result code')
  fields.read(Tag.octetString, 'the matched DN')
  const diagnostic = fields.read(Tag.octetString, 'the diagnostic message').toString('utf8')
  let name = ''
  // referrals, SASL credentials, and fields to ignore by RFC 4511, 4
  while (fields.next !== undefined) {
    if (fields.next === CONTROLS) throw new AnswerError('the result has controls within it')
    if (fields.next === RESPONSE_NAME) name = fields.read(RESPONSE_NAME, 'the name of the response').toString('latin1')
    else fields.skip('a field of the result')
  }
  return { kind: 'result', code, diagnostic, name }
}

function checkEntry (fields: Elements): Response {
  const dn = fields.read(Tag.octetString, 'the DN of an entry')
  if (dn.length > LONGEST_DN) throw new AnswerError(`the DN of an entry is longer than ${LONGEST_DN} bytes`)
  if (!isUtf8(dn)) throw new AnswerError('the DN of an entry is not UTF-8')
  const attributes = fields.enter(Tag.sequence, 'the attributes of an entry')
  while (attributes.next !== undefined) {
    const attribute = attributes.enter(Tag.sequence, 'an attribute')
    const type = attribute.read(Tag.octetString, 'the name of an attribute').toString('latin1')
    if (!/^[\x21-\x7e]{1,256}$/.test(type) || RESERVED_ATTRIBUTES.has(type.toLowerCase())) throw new AnswerError('an attribute has an invalid name')
    const values = attribute.enter(Tag.set, 'the values of an attribute')
    while (values.next !== undefined) values.read(Tag.octetString, 'the value of an attribute')
    attribute.finish('an attribute')
  }
  fields.finish('an entry')
  return { kind: 'entry' }
}

function checkReference (fields: Elements): Response {
  while (fields.next !== undefined) fields.read(Tag.octetString, 'a reference')
  return { kind: 'reference' }
}

/** Returns the cookie of a page, if one follows. */
function checkControls (controls: Elements): Buffer | undefined {
  let cookie: Buffer | undefined
  while (controls.next !== undefined) {
    const control = controls.enter(Tag.sequence, 'a control')
    const type = control.read(Tag.octetString, 'the type of a control').toString('latin1')
    if (control.next === Tag.boolean && control.read(Tag.boolean, 'the criticality of a control').length !== 1) throw new AnswerError('the criticality of a control is not a boolean')
    if (type === PAGED_RESULTS && control.next !== undefined) cookie = readCookie(control.enter(Tag.octetString, 'the value of a control'))
    else if (control.next !== undefined) control.read(Tag.octetString, 'the value of a control')
    control.finish('a control')
  }
  return cookie
}

/** Strict: without its cookie, a search would end early. */
function readCookie (value: Elements): Buffer | undefined {
  const page = value.enter(Tag.sequence, 'a page')
  page.number(Tag.integer, 'the size of a page')
  const cookie = page.read(Tag.octetString, 'the cookie of a page')
  page.finish('a page')
  value.finish('a page')
  return cookie.length === 0 ? undefined : cookie
}

/** RFC 4511, 4.4: only the notice of disconnection is defined. */
function noticeOf (fields: Elements): AnswerError {
  const { name, code, diagnostic } = readResult(fields)
  if (name !== NOTICE_OF_DISCONNECTION) return new AnswerError('it is an unsolicited notification')
  return new AnswerError(`it announces the end of the connection: ${formatResult(code, diagnostic)}`, 'connection')
}

/** `result code 53 (unwilling to perform)`. For a log, redact it, then make it {@link printable}. */
export function formatResult (code: number, diagnostic: string): string {
  return diagnostic === '' ? `result code ${code}` : `result code ${code} (${diagnostic})`
}

/** One line of bounded length, for a log. Redact secrets first: truncation would leave a part of one. */
export function printable (text: string): string {
  return text.slice(0, LONGEST_MESSAGE).replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()
}
