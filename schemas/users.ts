/** The users file of the static provider. */
import { Type, type Static } from '@sinclair/typebox'
import { Closed, MapOf, Timestamp } from './primitives.js'

export const USERS_VERSION = 'authn-webhook/v1'

export const UserToken = Closed({
  name: Type.String({ minLength: 1, maxLength: 256, description: 'Purpose of the token.' }),
  hash: Type.String({ pattern: '^sha256:[0-9a-f]{64}$', expected: 'sha256: and 64 lower-case hexadecimal digits, as `authn-webhook hash token` prints' }),
  expiresAt: Type.Optional(Timestamp),
  audiences: Type.Optional(Type.Array(Type.String({ minLength: 1 })))
})
export type UserToken = Static<typeof UserToken>

export const User = Closed({
  username: Type.String({ minLength: 1, maxLength: 256, description: 'Case-sensitive name, compared in Unicode normal form NFC.' }),
  uid: Type.Optional(Type.String({ maxLength: 256, description: 'Stable unique ID, kept when the user is renamed; quote numbers.' })),
  groups: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 256 }))),
  extra: Type.Optional(MapOf(Type.Array(Type.String()), { description: 'Extra attributes: lower-case keys, each with a list of values.' })),
  disabled: Type.Optional(Type.Boolean()),
  expiresAt: Type.Optional(Timestamp),
  passwordHash: Type.Optional(Type.String({ pattern: '^\\$(scrypt|2[aby])\\$', expected: 'a $scrypt$ or bcrypt hash, as `authn-webhook hash password` prints' })),
  tokens: Type.Optional(Type.Array(UserToken))
})
export type User = Static<typeof User>

export const UsersFile = Closed({
  apiVersion: Type.Literal(USERS_VERSION),
  users: Type.Array(User)
}, { title: 'authn-webhook users file' })
export type UsersFile = Static<typeof UsersFile>
