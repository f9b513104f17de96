/** Asks a service what an API server would ask it, with tokens that nobody has, and keeps every answer. */
import { randomBytes } from 'node:crypto'
import type { ApiVersion } from '../../../schemas/token-review.js'
import { postReview, type Answer, type Target } from '../client.js'

/** Both clocks in milliseconds. */
export interface Clock {
  /** Since the epoch. */
  readonly now: () => number
  /** Since whenever; never set back. */
  readonly elapsed: () => number
}

export interface Reply {
  readonly apiVersion: ApiVersion
  /** Random secrets of the question, that no answer may repeat. */
  readonly secrets: readonly string[]
  readonly answer: Answer
  readonly milliseconds: number
  /** The local clock in the middle between question and answer. */
  readonly middle: number
}

export interface Bogus {
  readonly token: string
  readonly secrets: readonly string[]
}

/** Neither base64 of anything nor a JWT: only a provider of opaque tokens could know it. */
export function bogusToken (): Bogus {
  const token = `authn-webhook.doctor.${randomBytes(24).toString('hex')}`
  return { token, secrets: [token] }
}

/** The token of a user and a password: a provider that knows no such user has to look. */
export function bogusPassword (): Bogus {
  const password = randomBytes(24).toString('hex')
  const token = Buffer.from(`authn-webhook-doctor-${randomBytes(8).toString('hex')}:${password}`).toString('base64')
  return { token, secrets: [token, password] }
}

/** @throws CommandError where there is no answer */
export async function ask (target: Target, apiVersion: ApiVersion, { token, secrets }: Bogus, { now, elapsed }: Clock): Promise<Reply> {
  const [date, started] = [now(), elapsed()]
  const answer = await postReview(target, apiVersion, { token })
  return { apiVersion, secrets, answer, milliseconds: elapsed() - started, middle: (date + now()) / 2 }
}
