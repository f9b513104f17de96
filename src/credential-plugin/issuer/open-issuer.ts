/** The OpenID client of an account, from the discovery document of its issuer. */
import * as client from 'openid-client'
import { parseCertificates } from '../../certificates/pem.js'
import type { Account } from '../account.js'
import { SignInError } from '../sign-in-error.js'
import { createFetch } from './fetch.js'
import { describeDiscoveryError } from './problems.js'

/** As in tokens of the API server's OpenID Connect: who and which groups. */
export const SCOPE = 'openid groups'

/**
 * @throws SignInError
 * @throws ValidationError if the CA is not one
 */
export async function openIssuer ({ issuer, client: clientId, ca }: Account, signal: AbortSignal): Promise<client.Configuration> {
  if (ca !== undefined) parseCertificates(ca, 'the CA of the sign-in service')
  try {
    const config = await client.discovery(new URL(issuer), clientId, {}, client.None(), { [client.customFetch]: createFetch(ca, signal), timeout: 30 })
    requireTokenEndpoint(config, issuer)
    return config
  } catch (error) {
    signal.throwIfAborted()
    throw describeDiscoveryError(error, issuer)
  }
}

function requireTokenEndpoint (config: client.Configuration, issuer: string): void {
  if (config.serverMetadata().token_endpoint === undefined) throw new SignInError('unavailable', `${issuer} is not an OpenID Connect issuer: its discovery document has no token_endpoint: check --issuer`)
}
