/** Why there is no credential, and what to do. */

export const SIGN_IN_FAILURES = [
  'invalid', // an option, an environment variable, or a file of the cache
  'not-signed-in', // a person has to sign in, was denied, or stopped
  'unavailable' // the sign-in service can't be reached or used
] as const

export type SignInFailure = typeof SIGN_IN_FAILURES[number]

/** The message holds no secret. */
export class SignInError extends Error {
  readonly code = 'AUTHN_SIGN_IN'
  override readonly name = 'SignInError'
  constructor (readonly failure: SignInFailure, message: string, options?: ErrorOptions) {
    super(message, options)
  }
}
