/** The API server's own `AuthenticationConfiguration` for session tokens, with which it needs no webhook to verify them. */
import type { AuthenticationConfiguration } from '../../schemas/authentication-configuration.js'
import { USERNAME_CLAIM } from '../authn/sessions/session-claims.js'
import type { Sessions } from '../config/sessions.js'
import { formatYaml } from '../printable-yaml.js'

export interface AuthenticationConfigSettings extends Pick<Sessions, 'issuer' | 'audiences'> {
  /** CA of the issuer's certificate, PEM; by default, the CAs of the API server's machine. */
  readonly certificateAuthority?: string | undefined
}

/** The names in the tokens have their prefixes already. */
export function createAuthenticationConfig ({ issuer, audiences, certificateAuthority }: AuthenticationConfigSettings): AuthenticationConfiguration {
  return {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AuthenticationConfiguration',
    jwt: [{
      issuer: {
        url: issuer,
        ...certificateAuthority !== undefined && { certificateAuthority },
        audiences: [...audiences],
        // required with several
        ...audiences.length > 1 && { audienceMatchPolicy: 'MatchAny' }
      },
      claimValidationRules: [],
      claimMappings: {
        username: { claim: USERNAME_CLAIM, prefix: '' },
        groups: { claim: 'groups', prefix: '' },
        uid: { claim: 'sub' },
        extra: []
      },
      userValidationRules: []
    }]
  }
}

/** YAML that starts with instructions. */
export function formatAuthenticationConfig (config: AuthenticationConfiguration): string {
  return `# An API server with this file verifies session tokens itself, without the webhook.
# What is lost: until a token expires, the API server accepts it
#
# - with the groups of the sign-in, and only if the client requested the scope "groups":
#   a change of groups has no effect;
# - after it was revoked with "authn-webhook sessions revoke";
# - after the password was changed;
# - after the account was disabled, locked or removed.
#
# With the webhook, each of these has an effect within a minute or so. Shorten
# login.tokenTTL if you use this file.
#
# 1. Save this as a file on every control plane machine; if the API server runs in a
#    container, mount it.
# 2. Add to the API server's flags:
#      --authentication-config=PATH-OF-THIS-FILE
#    and remove the flags --oidc-*. Before Kubernetes 1.34 write v1beta1 instead of v1.

${formatYaml(config)}`
}
