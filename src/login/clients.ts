/** The clients of the config, as the OpenID provider knows them. */
import type { AllClientMetadata, ClientMetadata } from 'oidc-provider'
import { GRANTS, type ClientConfig, type Grant } from '../../schemas/login.js'

/** RFC 8628. */
export const DEVICE_CODE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

const GRANT_TYPES: Record<Grant, string> = {
  authorizationCode: 'authorization_code',
  deviceCode: DEVICE_CODE_GRANT,
  password: 'password'
}

/** By the `grant_type` of a request. */
export function grantOf (type: unknown): Grant | undefined {
  return GRANTS.find(grant => GRANT_TYPES[grant] === type)
}

/** Any port is allowed at these (RFC 8252, 7.3); kubelogin and others use either path. */
const LOOPBACK_REDIRECT_URIS = ['127.0.0.1', '[::1]', 'localhost'].flatMap(host => [`http://${host}/`, `http://${host}/callback`])

/** What all clients have in common. */
export const CLIENT_DEFAULTS: AllClientMetadata = {
  id_token_signed_response_alg: 'ES256'
}

/** A client with a secret is a web application; one without runs on the machine of its user. */
export function clientMetadata ({ id, name, clientSecret, grants, redirectURIs, postLogoutRedirectURIs }: ClientConfig): ClientMetadata {
  const code = grants.includes('authorizationCode')
  const confidential = clientSecret !== undefined
  return {
    client_id: id,
    client_name: name ?? id,
    application_type: confidential ? 'web' : 'native',
    token_endpoint_auth_method: confidential ? 'client_secret_basic' : 'none',
    ...confidential && { client_secret: clientSecret.reveal() },
    grant_types: grants.map(grant => GRANT_TYPES[grant]),
    response_types: code ? ['code'] : [],
    redirect_uris: code ? [...redirectURIs, ...confidential ? [] : LOOPBACK_REDIRECT_URIS] : [],
    post_logout_redirect_uris: postLogoutRedirectURIs
  }
}

export function usesGrant (clients: readonly ClientConfig[], grant: Grant): boolean {
  return clients.some(({ grants }) => grants.includes(grant))
}
