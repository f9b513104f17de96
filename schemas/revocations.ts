/** The revocations file: tokens that are denied although their signature is valid. */
import { Type, type Static } from '@sinclair/typebox'
import { Closed, Timestamp } from './primitives.js'

export const REVOCATIONS_VERSION = 'authn-webhook/v1'

const Claim = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 1024, description }))

export const Revocation = Closed({
  jti: Claim('Claim `jti` of a token: revokes this token. Without `issuer`, tokens of any issuer with this ID.'),
  subject: Claim('Claim `sub`: revokes the tokens of this user. Without `issuer`, of the users of any issuer with this subject.'),
  username: Claim('Username as Kubernetes knows it: revokes the session tokens of this user; compared with the name at the sign-in and the present one.'),
  issuer: Claim('Claim `iss`, exactly as in the token: restricts the entry to tokens of this issuer.'),
  before: Type.Optional(Type.Unsafe<Timestamp>({ ...Timestamp, description: 'With `subject` or `username`: revokes only tokens that were issued before this time (claim `iat`); tokens without `iat` are revoked too. Without it: all tokens, also future ones.' })),
  expires: Type.Optional(Type.Unsafe<Timestamp>({ ...Timestamp, description: 'Time at which all tokens that this entry revokes have expired, so that it can be removed.' }))
}, {
  oneOf: [{ required: ['jti'] }, { required: ['subject'] }, { required: ['username'] }],
  dependencies: { before: { anyOf: [{ required: ['subject'] }, { required: ['username'] }], expected: 'a mapping with subject or username beside before' } },
  expected: 'a mapping with one of jti, subject and username'
})
export type Revocation = Static<typeof Revocation>

export const RevocationsFile = Closed({
  apiVersion: Type.Literal(REVOCATIONS_VERSION),
  revocations: Type.Array(Revocation)
}, { title: 'authn-webhook revocations file' })
export type RevocationsFile = Static<typeof RevocationsFile>
