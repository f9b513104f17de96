/**
 * `AuthenticationConfiguration` of `apiserver.config.k8s.io`: the file of the API
 * server's own structured authentication, whose versions have the same fields.
 * As there, an empty string is the same as none, except for `prefix`.
 */
import { Type, type Static } from '@sinclair/typebox'
import { Closed, Enum } from './primitives.js'

const Required = (description: string) => Type.String({ minLength: 1, description })
const Text = (description: string) => Type.Optional(Type.String({ description }))

/** The API server's limit. */
export const MAX_ISSUERS = 64

const Issuer = Closed({
  url: Required('Issuer URL, exactly as in the claim `iss`. Discovery starts at `{url}/.well-known/openid-configuration`.'),
  discoveryURL: Text('Complete URL of the discovery document, if it is not below `url`.'),
  certificateAuthority: Text('CA bundle for the issuer\'s certificate, inline PEM. Without it: the CAs that Node.js trusts.'),
  audiences: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, description: 'Accepted audiences; the claim `aud` must contain one of them.' }),
  audienceMatchPolicy: Type.Optional(Type.String({ pattern: '^(MatchAny)?$', expected: 'MatchAny', description: 'MatchAny; required with several audiences.' })),
  egressSelectorType: Type.Optional(Type.String({ pattern: '^(controlplane|cluster)?$', expected: 'controlplane or cluster', description: 'Has no effect: egress selectors are part of the API server.' }))
})

const ClaimValidationRule = Closed({
  claim: Text('Claim that must be `requiredValue`.'),
  requiredValue: Text('Value of `claim`, a string. Without it, the claim must be the empty string.'),
  expression: Text('CEL expression of `claims` that must be true.'),
  message: Text('Logged if `expression` is not true.')
})
export type ClaimValidationRule = Static<typeof ClaimValidationRule>

const PrefixedClaimOrExpression = Closed({
  claim: Text('Claim with the value.'),
  prefix: Text('Prefix of the value; required with `claim`, may be empty.'),
  expression: Text('CEL expression of `claims`, instead of `claim` and `prefix`.')
})
export type PrefixedClaimOrExpression = Static<typeof PrefixedClaimOrExpression>

const ClaimOrExpression = Closed({
  claim: Text('Claim with the value.'),
  expression: Text('CEL expression of `claims`, instead of `claim`.')
})
export type ClaimOrExpression = Static<typeof ClaimOrExpression>

const ExtraMapping = Closed({
  key: Type.String({
    pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/[-a-z0-9/._~%!$&'()*+,;=:]+$",
    expected: 'a lower-case key with a domain, such as example.com/tenant',
    description: 'Key of `extra`.'
  }),
  valueExpression: Required('CEL expression of `claims`: a string or a list of strings. Without a value, there is no such key.')
})

const UserValidationRule = Closed({
  expression: Required('CEL expression of `user` (`username`, `uid`, `groups`, `extra`) that must be true.'),
  message: Text('Logged if `expression` is not true.')
})

/** An entry of `jwt:`. */
export const KubernetesAuthenticator = Closed({
  issuer: Issuer,
  claimValidationRules: Type.Array(ClaimValidationRule, { default: [], description: 'Rules for the claims; all must hold.' }),
  claimMappings: Closed({
    username: PrefixedClaimOrExpression,
    groups: Type.Optional(PrefixedClaimOrExpression),
    uid: Type.Optional(ClaimOrExpression),
    extra: Type.Array(ExtraMapping, { default: [] })
  }, { description: 'How claims become the user.' }),
  userValidationRules: Type.Array(UserValidationRule, { default: [], description: 'Rules for the user, after the mappings; all must hold.' })
})

const Anonymous = Closed({
  enabled: Type.Optional(Type.Boolean()),
  conditions: Type.Optional(Type.Array(Closed({ path: Type.String() })))
})

export const AuthenticationConfiguration = Closed({
  apiVersion: Enum(['apiserver.config.k8s.io/v1', 'apiserver.config.k8s.io/v1beta1', 'apiserver.config.k8s.io/v1alpha1']),
  kind: Type.Literal('AuthenticationConfiguration'),
  jwt: Type.Array(KubernetesAuthenticator, { default: [], maxItems: MAX_ISSUERS }),
  anonymous: Type.Optional(Anonymous)
})
export type AuthenticationConfiguration = Static<typeof AuthenticationConfiguration>
