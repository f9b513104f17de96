/** The rules that every answer keeps, whatever was asked. */
import { basicToken, alice, bob, carol } from '../fixtures/people.js'
import { CANARY } from './bodies.js'

/** An outcome that breaks a rule; the message says which. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

const PEOPLE = [alice, bob, carol]
// the beginning of a password token tells no secret
const SECRETS = [CANARY, ...PEOPLE.map(({ user, password }) => basicToken(user.username, password).slice(0, 24))]

/** @throws Violation where `text` holds a secret */
export function holdsNoSecret (text: string, where: string): void {
  const secret = SECRETS.find(secret => text.includes(secret))
  if (secret !== undefined) throw new Violation(`${where} holds a secret: ${text.slice(Math.max(0, text.indexOf(secret) - 300), text.indexOf(secret) + 300)}`)
}

export interface Received {
  readonly code: number | undefined
  readonly text: string
  /** Whether all of it arrived. */
  readonly whole: boolean
}

export interface Rules {
  /** Who may be authenticated, if anybody. */
  readonly bearer: string | undefined
  /** Whether that is due, unless the process is overloaded. */
  readonly due: boolean
}

/** @throws Violation where the answer breaks a rule */
export function checkAnswer ({ code, text, whole }: Received, { bearer, due }: Rules): void {
  if (code !== undefined && code >= 500) throw new Violation(`answered by ${code} ${text}`)
  if (!whole) {
    if (text.includes('"authenticated":true') && bearer === undefined) throw new Violation(`authenticated: ${text}`)
    return
  }
  // an answer to HEAD has no body
  if (text === '') {
    if (due) throw new Violation(`a legitimate review is answered by ${code} without a body`)
    return
  }
  const answer = parse(text)
  if (answer.kind === 'TokenReview') checkReview(answer, text, { bearer, due })
  else checkStatus(answer, text, code, due)
}

function parse (text: string): any {
  try {
    return JSON.parse(text)
  } catch {
    throw new Violation(`not JSON: ${text}`)
  }
}

function checkReview (answer: any, text: string, { bearer, due }: Rules): void {
  if (!hasOnly(answer, ['apiVersion', 'kind', 'status']) || !hasOnly(answer.status, ['authenticated', 'user', 'audiences', 'error']) || typeof answer.status.authenticated !== 'boolean') throw new Violation(`no TokenReview: ${text}`)
  const { authenticated, user, error } = answer.status
  if (authenticated && (bearer === undefined || user?.username !== bearer)) throw new Violation(`authenticated, where ${bearer ?? 'nobody'} may be: ${text}`)
  if (!authenticated && user !== undefined) throw new Violation(`a user who is not authenticated: ${text}`)
  if (due && !authenticated && error === undefined) throw new Violation(`a legitimate review of ${bearer} is denied: ${text}`)
}

const OVERLOADED = 429

function checkStatus (answer: any, text: string, code: number | undefined, due: boolean): void {
  if (answer.kind !== 'Status' || !hasOnly(answer, ['kind', 'apiVersion', 'metadata', 'status', 'message', 'reason', 'code'])) throw new Violation(`neither a TokenReview nor a Status: ${text}`)
  if (answer.code >= 500 || (code !== undefined && answer.code !== code)) throw new Violation(`answered by ${code} with ${text}`)
  if (due && answer.code !== OVERLOADED) throw new Violation(`a legitimate review is refused: ${text}`)
}

function hasOnly (value: unknown, keys: readonly string[]): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).every(key => keys.includes(key))
}
