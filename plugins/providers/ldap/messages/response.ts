/**
 * The grammar of what a directory may answer to a bind, a search or StartTLS,
 * RFC 4511, 4.1 to 4.14. ldapts reads an answer only after it has passed here:
 * its own reader takes what is missing for a success, and can loop on what ends
 * before its length.
 */
import { AnswerError, Elements, Tag } from './ber.js'
import type { Allowance } from './allowance.js'
import { LONGEST_DN } from '../syntax/distinguished-name.js'

/** A request of ours that is waiting for its answer. */
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
  /** Of an extended response, where it has one. */
  readonly name: string
  /** Of a page that others follow, RFC 2696; otherwise empty. */
  readonly cookie: Buffer
}

export type Response = { readonly kind: 'entry' | 'reference' } | Result

export const Operation = { bind: 0x60, unbind: 0x42, search: 0x63, extended: 0x77 } as const

const [BIND_RESPONSE, SEARCH_ENTRY, SEARCH_RESULT, SEARCH_REFERENCE, EXTENDED_RESPONSE] = [0x61, 0x64, 0x65, 0x73, 0x78] as const
const CONTROLS = 0xa0
const RESPONSE_NAME = 0x8a

/** What may answer what. */
const ANSWERS: Readonly<Record<number, readonly number[]>> = {
  [Operation.bind]: [BIND_RESPONSE],
  [Operation.search]: [SEARCH_ENTRY, SEARCH_REFERENCE, SEARCH_RESULT],
  [Operation.extended]: [EXTENDED_RESPONSE]
}

export const PAGED_RESULTS = '1.2.840.113556.1.4.319'
const NOTICE_OF_DISCONNECTION = '1.3.6.1.4.1.1466.20036'

const NO_COOKIE = Buffer.alloc(0)

/** Names that ldapts would take for something else than an attribute. */
const NO_ATTRIBUTES = new Set(['dn', '__proto__'])

/** Characters. Active Directory's run to about 150, and tell in them why it refused a bind. */
const LONGEST_WORDS = 1_000

const utf8 = new TextDecoder('utf8', { fatal: true })

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
  const cookie = message.next === CONTROLS ? checkControls(message.enter(CONTROLS, 'the controls')) : NO_COOKIE
  message.finish('the message')
  return response.kind === 'result' ? { ...response, cookie } : response
}

/** What a request of ours is, as ldapts wrote it. */
export function requestOf (bytes: Buffer): Request {
  const message = new Elements(bytes, { elements: 3 }).enter(Tag.sequence, 'the request')
  return { id: message.number(Tag.integer, 'its message ID'), operation: message.next! }
}

function checkOperation (fields: Elements, operation: number): Response {
  if (operation === SEARCH_ENTRY) return checkEntry(fields)
  return operation === SEARCH_REFERENCE ? checkReference(fields) : readResult(fields)
}

function readResult (fields: Elements): Result {
  const code = fields.number(Tag.enumerated, 'the result code')
  fields.read(Tag.octetString, 'the matched DN')
  const diagnostic = fields.read(Tag.octetString, 'the diagnostic message').toString('utf8')
  let name = ''
  // referrals, SASL credentials, and what RFC 4511, 4, wants to be ignored
  while (fields.next !== undefined) {
    if (fields.next === CONTROLS) throw new AnswerError('the result has controls within it')
    if (fields.next === RESPONSE_NAME) name = fields.read(RESPONSE_NAME, 'the name of the response').toString('latin1')
    else fields.skip('a field of the result')
  }
  return { kind: 'result', code, diagnostic, name, cookie: NO_COOKIE }
}

function checkEntry (fields: Elements): Response {
  const dn = fields.read(Tag.octetString, 'the DN of an entry')
  if (dn.length > LONGEST_DN) throw new AnswerError(`the DN of an entry is longer than ${LONGEST_DN} bytes`)
  textOf(dn, 'the DN of an entry')
  const attributes = fields.enter(Tag.sequence, 'the attributes of an entry')
  while (attributes.next !== undefined) {
    const attribute = attributes.enter(Tag.sequence, 'an attribute')
    const type = attribute.read(Tag.octetString, 'the name of an attribute').toString('latin1')
    if (!/^[\x21-\x7e]{1,256}$/.test(type) || NO_ATTRIBUTES.has(type.toLowerCase())) throw new AnswerError('an attribute has a name that is none')
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

/** The cookie of the page, where one of them has it. */
function checkControls (controls: Elements): Buffer {
  let cookie: Buffer = NO_COOKIE
  while (controls.next !== undefined) {
    const control = controls.enter(Tag.sequence, 'a control')
    const type = control.read(Tag.octetString, 'the type of a control').toString('latin1')
    if (control.next === Tag.boolean && control.read(Tag.boolean, 'the criticality of a control').length !== 1) throw new AnswerError('the criticality of a control is no boolean')
    if (type === PAGED_RESULTS && control.next !== undefined) cookie = readCookie(control.enter(Tag.octetString, 'the value of a control'))
    else if (control.next !== undefined) control.read(Tag.octetString, 'the value of a control')
    control.finish('a control')
  }
  return cookie
}

/** RFC 2696: a cookie that was lost would end a search before its end. */
function readCookie (value: Elements): Buffer {
  const page = value.enter(Tag.sequence, 'a page')
  page.number(Tag.integer, 'the size of a page')
  const cookie = page.read(Tag.octetString, 'the cookie of a page')
  page.finish('a page')
  value.finish('a page')
  return cookie
}

/** RFC 4511, 4.4: what a directory says without being asked. Of those only the one of its leaving means anything here. */
function noticeOf (fields: Elements): AnswerError {
  const { name, code, diagnostic } = readResult(fields)
  if (name !== NOTICE_OF_DISCONNECTION) return new AnswerError('it is a notice that nobody asked for')
  return new AnswerError(`it announces the end of the connection: ${formatResult(code, diagnostic)}`, 'connection')
}

/** `result code 53 (unwilling to perform)`, with the server's words if it has some. Not for a log as it is: see {@link printable}. */
export function formatResult (code: number, diagnostic: string): string {
  return diagnostic === '' ? `result code ${code}` : `result code ${code} (${diagnostic})`
}

/** A server's words as they may stand in a log: one line, and not without end. Secrets are redacted before: half of one would stay at the cut. */
export function printable (words: string): string {
  return words.slice(0, LONGEST_WORDS).replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()
}

function textOf (bytes: Buffer, what: string): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new AnswerError(`${what} is not UTF-8`)
  }
}
