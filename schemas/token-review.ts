/**
 * `TokenReview` of `authentication.k8s.io/v1` and `v1beta1`, and `Status`, for requests that are rejected.
 * @see https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/
 */
import { Type, type Static } from '@sinclair/typebox'
import { Enum, MapOf } from './primitives.js'

export const API_VERSIONS = ['authentication.k8s.io/v1', 'authentication.k8s.io/v1beta1'] as const
export type ApiVersion = typeof API_VERSIONS[number]

/** Unknown properties are ignored: other versions of API servers send other metadata. */
export const TokenReviewRequest = Type.Object({
  apiVersion: Enum(API_VERSIONS),
  kind: Type.Literal('TokenReview'),
  spec: Type.Object({
    // not empty; minLength would count the code points of all of it
    token: Type.String({ pattern: '[^]' }),
    audiences: Type.Optional(Type.Array(Type.String()))
  })
})
export type TokenReviewRequest = Static<typeof TokenReviewRequest>

export const UserInfo = Type.Object({
  username: Type.String(),
  uid: Type.Optional(Type.String()),
  groups: Type.Optional(Type.Array(Type.String())),
  extra: Type.Optional(MapOf(Type.Array(Type.String())))
})
export type UserInfo = Static<typeof UserInfo>

export const TokenReviewStatus = Type.Object({
  authenticated: Type.Boolean(),
  user: Type.Optional(UserInfo),
  audiences: Type.Optional(Type.Array(Type.String())),
  error: Type.Optional(Type.String())
})
export type TokenReviewStatus = Static<typeof TokenReviewStatus>

const Text = Type.Optional(Type.Unsafe<string | null>({ type: 'string', nullable: true }))
const Texts = Type.Unsafe<Array<string | null> | null>({ type: 'array', items: { type: 'string', nullable: true }, nullable: true })

/** The status of another webhook's response, as Go decodes it: `null` is empty, and unknown properties are ignored. */
export const DecodableStatus = Type.Object({
  authenticated: Type.Optional(Type.Unsafe<boolean | null>({ type: 'boolean', nullable: true })),
  user: Type.Optional(Type.Unsafe<DecodableUser | null>({
    ...Type.Object({
      username: Text,
      uid: Text,
      groups: Type.Optional(Texts),
      extra: Type.Optional(Type.Unsafe<object>({ type: 'object', additionalProperties: Texts, nullable: true }))
    }),
    nullable: true
  })),
  audiences: Type.Optional(Texts),
  error: Text
})
export type DecodableStatus = Static<typeof DecodableStatus>

interface DecodableUser {
  readonly username?: string | null
  readonly uid?: string | null
  readonly groups?: ReadonlyArray<string | null> | null
  readonly extra?: Readonly<Record<string, ReadonlyArray<string | null> | null>> | null
}

/** The response serializer drops everything else: there is no `spec` here, hence no token. */
export const TokenReviewResponse = Type.Object({
  apiVersion: Type.String(),
  kind: Type.Literal('TokenReview'),
  status: TokenReviewStatus
})
export type TokenReviewResponse = Static<typeof TokenReviewResponse>

/** `meta/v1` Status, which Kubernetes clients read. */
export const Status = Type.Object({
  kind: Type.Literal('Status'),
  apiVersion: Type.Literal('v1'),
  metadata: Type.Object({}),
  status: Type.Literal('Failure'),
  message: Type.String(),
  reason: Type.String(),
  code: Type.Integer()
})
export type Status = Static<typeof Status>
