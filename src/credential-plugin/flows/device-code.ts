/** The device code flow (RFC 8628): the person signs in with a browser elsewhere. */
import { initiateDeviceAuthorization, pollDeviceAuthorizationGrant, type Configuration, type DeviceAuthorizationResponse } from 'openid-client'
import { SCOPE } from '../issuer/open-issuer.js'
import { isOutage } from '../issuer/problems.js'
import { SignInError } from '../sign-in-error.js'
import { orAborted } from '../or-aborted.js'
import type { FlowContext, TokenResponse } from './flow.js'

/** Seconds; timers of Node.js with more end at once. */
const LONGEST = Math.floor((2 ** 31 - 1) / 1000)

/** Seconds between two polls: what the RFC says without a word of the service, and what is polite whatever it says. */
const [DEFAULT_INTERVAL, MIN_INTERVAL] = [5, 1]

/** @param minInterval seconds; for tests */
export async function signInWithDeviceCode ({ config, signal, tell }: FlowContext, minInterval = MIN_INTERVAL): Promise<TokenResponse> {
  if (config.serverMetadata().device_authorization_endpoint === undefined) throw new SignInError('not-signed-in', 'the sign-in service has no device code flow: use --browser or --username NAME')
  const authorization = await initiateDeviceAuthorization(config, { scope: SCOPE })
  const { verification_uri: uri, verification_uri_complete: complete, user_code: code } = authorization
  const lifetime = Math.min(Math.ceil(authorization.expires_in), LONGEST)
  for (const each of [uri, complete]) if (each !== undefined && !isWebPage(each)) throw new SignInError('unavailable', 'the sign-in service names no https page for the code: ask its administrator')
  tell([
    `To sign in, open ${uri} in a browser on any computer, and enter the code ${code}`,
    ...complete === undefined ? [] : [`or open ${complete}`],
    `The code is valid for ${Math.round(lifetime / 60)} min.`
  ])
  const expiry = AbortSignal.timeout(lifetime * 1000)
  const ended = AbortSignal.any([signal, expiry])
  try {
    // waits as the service asks, and longer after slow_down
    const polled = { ...authorization, expires_in: lifetime, interval: Math.max(authorization.interval ?? DEFAULT_INTERVAL, minInterval) }
    return await orAborted(poll(config, polled, ended, tell), ended)
  } catch (error) {
    if (expiry.aborted && !signal.aborted) throw new SignInError('not-signed-in', 'the code has expired: run the command again for a new one')
    throw error
  }
}

/**
 * The person may be typing the code meanwhile, so an outage doesn't end it.
 * @param authorization with the seconds between two polls, doubled after an outage (RFC 8628, 3.5)
 */
async function poll (config: Configuration, authorization: DeviceAuthorizationResponse & { readonly interval: number }, signal: AbortSignal, tell: FlowContext['tell']): Promise<TokenResponse> {
  try {
    return await pollDeviceAuthorizationGrant(config, authorization, undefined, { signal })
  } catch (error) {
    if (signal.aborted || !isOutage(error)) throw error
    tell('The sign-in service does not answer; asking again …')
    return await poll(config, { ...authorization, interval: authorization.interval * 2 }, signal, tell)
  }
}

/** Terminals make links of what they show. */
function isWebPage (text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === 'https:'
}
