/** Signs in: chooses the flow, runs it, and checks what it gives. */
import type { Configuration } from 'openid-client'
import { clockError, describeFlowError, isNotAllowed } from '../issuer/problems.js'
import { openIssuer } from '../issuer/open-issuer.js'
import { EXPIRY_MARGIN, isTime, isToken, type Token } from '../exec-credential.js'
import { SignInError } from '../sign-in-error.js'
import type { Dialogue, TokenRequest } from '../token.js'
import { signInWithBrowser } from './browser.js'
import { signInWithDeviceCode } from './device-code.js'
import { FLOWS, type FlowContext, type FlowName, type TokenResponse } from './flow.js'
import { openBrowser } from './open-browser.js'
import { signInWithPassword, type PasswordCredential } from './password.js'
import { limitPerson } from './person-limit.js'
import { possibleFlows, type Flows } from './possible-flows.js'
import { orAborted } from '../or-aborted.js'

export interface SignedIn {
  readonly token: Token
  readonly endSessionEndpoint: string | undefined
}

/** Seconds by which clocks may differ. */
const TOLERANCE = 60

/** @throws SignInError */
export async function runFlow (request: TokenRequest, dialogue: Dialogue): Promise<SignedIn> {
  const config = await openIssuer(request.account, request.signal)
  const metadata = config.serverMetadata()
  const flows: Flows = request.flow === undefined ? possibleFlows(metadata, dialogue.hasBrowser) : [request.flow]
  return { token: await signInWith(flows, config, request, dialogue), endSessionEndpoint: metadata.end_session_endpoint }
}

/** By the first of the flows that the client may use. */
async function signInWith ([name, ...others]: Flows, config: Configuration, request: TokenRequest, dialogue: Dialogue): Promise<Token> {
  const { account, signal } = request
  const describe = (error: unknown): Error => describeFlowError(error, FLOWS[name], account)
  try {
    return tokenOf(await start(name, { config, signal, tell: dialogue.tell }, describe, request, dialogue))
  } catch (error) {
    signal.throwIfAborted()
    const [next, ...rest] = others
    if (next === undefined || !isNotAllowed(error)) throw describe(error)
    return await signInWith([next, ...rest], config, request, dialogue)
  }
}

async function start (name: FlowName, context: FlowContext, describe: (error: unknown) => Error, request: TokenRequest, dialogue: Dialogue): Promise<TokenResponse> {
  switch (name) {
    case 'browser': return await signInWithBrowser({ ...context, describe, ...(dialogue.hasBrowser || request.flow === 'browser') && { openBrowser }, limit: request.limit })
    case 'device-code': return await signInWithDeviceCode(context)
    case 'password': return await signInWithPassword(context, await askForPassword(request, dialogue))
  }
}

async function askForPassword ({ account, readPassword, signal, limit }: TokenRequest, { prompt }: Dialogue): Promise<PasswordCredential> {
  return await limitPerson(signal, limit, async signal => {
    const username = account.username ?? await prompt('Username: ', { signal })
    const password = readPassword === undefined ? await prompt('Password: ', { hidden: true, signal }) : await orAborted(readPassword(), signal)
    if (username === '' || password === '') throw new SignInError('invalid', `the ${username === '' ? 'username' : 'password'} is empty`)
    return { username, password }
  })
}

/** The ID token. Its signature is for those who accept it; it came from the issuer over TLS. */
function tokenOf (response: TokenResponse): Token {
  const { id_token: token } = response
  const claims = response.claims()
  if (token === undefined || claims === undefined) throw new SignInError('unavailable', 'the sign-in service sent no ID token: check --issuer')
  if (!isToken(token) || !isTime(claims.exp) || !isTime(claims.iat)) throw new SignInError('unavailable', 'the token of the sign-in service names no valid time: check --issuer')
  const now = Date.now() / 1000
  if (claims.exp - claims.iat <= EXPIRY_MARGIN) throw new SignInError('unavailable', `the sign-in service issues tokens for ${claims.exp - claims.iat} s, and more than ${EXPIRY_MARGIN} s are needed: your account may be about to expire; otherwise ask its administrator`)
  if (claims.iat > now + TOLERANCE) throw clockError('the token of the sign-in service is from the future')
  if (claims.exp - EXPIRY_MARGIN <= now) throw clockError('the token of the sign-in service has expired, or expires within a minute')
  return { token, expiresAt: claims.exp }
}
