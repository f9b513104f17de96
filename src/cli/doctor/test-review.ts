/** Reviews of random credentials, as an API server would request them. */
import { randomBytes } from 'node:crypto'
import type { ApiVersion } from '../../../schemas/token-review.js'
import { postReview, type ReviewResponse, type Target } from '../client.js'

/** Both in milliseconds. */
export interface Clock {
  /** Since the epoch. */
  readonly now: () => number
  /** Monotonic. */
  readonly elapsed: () => number
}

export interface BogusCredential {
  readonly token: string
  /** What no response may repeat. */
  readonly secrets: readonly string[]
}

export interface TestReview {
  readonly apiVersion: ApiVersion
  readonly secrets: readonly string[]
  readonly response: ReviewResponse
  readonly milliseconds: number
  /** The local time halfway between request and response. */
  readonly middle: number
}

/** Neither base64 nor a JWT: only a provider of opaque tokens could recognise it. */
export function bogusToken (): BogusCredential {
  const token = `authn-webhook.doctor.${randomBytes(24).toString('hex')}`
  return { token, secrets: [token] }
}

/** Of a user who does not exist: a provider has to look. */
export function bogusPassword (): BogusCredential {
  const password = randomBytes(24).toString('hex')
  const token = Buffer.from(`authn-webhook-doctor-${randomBytes(8).toString('hex')}:${password}`).toString('base64')
  return { token, secrets: [token, password] }
}

/** @throws CommandError if there is no response */
export async function requestTestReview (target: Target, apiVersion: ApiVersion, { token, secrets }: BogusCredential, { now, elapsed }: Clock): Promise<TestReview> {
  const [date, started] = [now(), elapsed()]
  const response = await postReview(target, apiVersion, { token })
  return { apiVersion, secrets, response, milliseconds: elapsed() - started, middle: (date + now()) / 2 }
}
