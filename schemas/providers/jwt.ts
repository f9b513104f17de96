/** The `config:` of the provider `jwt`: authenticators in the vocabulary of the API server, with fields of our own beside them. */
import { Type, type Static } from '@sinclair/typebox'
import { KubernetesAuthenticator, MAX_ISSUERS } from '../authentication-configuration.js'
import { Closed, Duration, Enum, Path } from '../primitives.js'

const File = (description: string) => Type.Optional(Type.Unsafe<string>({ ...Path, description }))

const { issuer, ...authenticator } = KubernetesAuthenticator.properties

export const JwtAuthenticator = Closed({
  issuer: Closed({
    ...issuer.properties,
    certificateAuthorityFile: File('CA bundle as in `certificateAuthority`, as a PEM file; reloaded on change.')
  }),
  ...authenticator,
  jwksFile: File('Keys of the issuer, as a JSON Web Key Set, instead of discovery: no network is used. Reloaded on change.'),
  clockSkew: Duration('30s', { zero: 'none', greatest: '5m', description: 'Tolerated difference between the clocks of issuer and service, for `exp`, `nbf` and `iat`.' }),
  maxKeyAge: Duration('24h', { least: '1m', greatest: '168h', description: 'Time that keys remain valid while the issuer is unreachable.' }),
  onGroupOverage: Enum(['deny', 'omit'], { default: 'deny', description: 'If Entra ID leaves out the groups because there are too many. deny: deny the token; omit: authenticate without groups.' })
})
export type JwtAuthenticator = Static<typeof JwtAuthenticator>

/** For the defaults of authenticators that come from an AuthenticationConfiguration. */
export const JwtAuthenticators = Type.Array(JwtAuthenticator)

export const JwtProviderConfig = Closed({
  issuers: Type.Optional(Type.Array(JwtAuthenticator, { minItems: 1, maxItems: MAX_ISSUERS, description: 'Issuers, as in `jwt:` of an AuthenticationConfiguration.' })),
  authenticationConfigurationFile: File('AuthenticationConfiguration of an API server, YAML or JSON, instead of `issuers`; reloaded on change.'),
  revocationsFile: File('Revoked tokens; reloaded on change.')
})
export type JwtProviderConfig = Static<typeof JwtProviderConfig>
