/** The device code flow (RFC 8628): the person signs in with a browser elsewhere. */
import { initiateDeviceAuthorization, pollDeviceAuthorizationGrant } from 'openid-client'
import { SCOPE } from '../issuer/open-issuer.js'
import { SignInError } from '../sign-in-error.js'
import type { FlowContext, TokenResponse } from './flow.js'

/** Milliseconds; timers of Node.js with more end at once. */
const LONGEST = 2 ** 31 - 1

export async function signInWithDeviceCode ({ config, signal, tell }: FlowContext): Promise<TokenResponse> {
  if (config.serverMetadata().device_authorization_endpoint === undefined) throw new SignInError('not-signed-in', 'the sign-in service has no device code flow: use --browser or --username NAME')
  const authorization = await initiateDeviceAuthorization(config, { scope: SCOPE })
  const { verification_uri: uri, verification_uri_complete: complete, user_code: code, expires_in: lifetime } = authorization
  tell([
    `To sign in, open ${uri} in a browser on any computer, and enter the code ${code}`,
    ...complete === undefined ? [] : [`or open ${complete}`],
    `The code is valid for ${Math.round(lifetime / 60)} min.`
  ])
  const expiry = AbortSignal.timeout(Math.min(Math.round(lifetime * 1000), LONGEST))
  try {
    // waits as the service asks, and longer after slow_down
    return await pollDeviceAuthorizationGrant(config, authorization, undefined, { signal: AbortSignal.any([signal, expiry]) })
  } catch (error) {
    if (expiry.aborted && !signal.aborted) throw new SignInError('not-signed-in', 'the code has expired: run the command again for a new one')
    throw error
  }
}
