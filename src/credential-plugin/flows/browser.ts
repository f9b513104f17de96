/** The authorization code flow with PKCE (RFC 7636), for native applications (RFC 8252): in the browser of this computer. */
import * as client from 'openid-client'
import { listenForCallback, type Callback } from '../loopback/listener.js'
import { SCOPE } from '../issuer/open-issuer.js'
import type { FlowContext, TokenResponse } from './flow.js'
import { orAborted } from '../or-aborted.js'
import { limitPerson } from './person-limit.js'

export interface BrowserFlowContext extends FlowContext {
  /** Absent: none is opened. Resolves to `false` if there is none. */
  readonly openBrowser?: (url: URL) => Promise<boolean>
  /** An error as the page shows it. */
  readonly describe: (error: unknown) => Error
  /** Milliseconds until the listener is closed; for tests. */
  readonly limit?: number | undefined
}

export async function signInWithBrowser ({ config, signal, tell, openBrowser, describe, limit }: BrowserFlowContext): Promise<TokenResponse> {
  const [verifier, state, nonce] = [client.randomPKCECodeVerifier(), client.randomState(), client.randomNonce()]
  const listener = await listenForCallback(state)
  try {
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: listener.redirectURI,
      scope: SCOPE,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce
    })
    tell(['To sign in, continue in the browser. If it does not open, open this URL in a browser on this computer:', url.href])
    // some browsers run until they are closed
    if (openBrowser !== undefined) void offerBrowser(openBrowser, url, tell)
    const callback = await limitPerson(signal, limit, listener.wait)
    return await answer(callback, signal, describe, async redirect => await client.authorizationCodeGrant(config, redirect, { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }))
  } finally {
    await listener.close()
  }
}

async function offerBrowser (openBrowser: NonNullable<BrowserFlowContext['openBrowser']>, url: URL, tell: FlowContext['tell']): Promise<void> {
  if (!await openBrowser(url)) tell('No browser could be opened.')
}

/** The page says what came of it, so it waits for the token. */
async function answer (callback: Callback, signal: AbortSignal, describe: (error: unknown) => Error, exchange: (redirect: URL) => Promise<TokenResponse>): Promise<TokenResponse> {
  try {
    const tokens = await exchange(callback.url)
    await orAborted(callback.answer(), signal)
    return tokens
  } catch (error) {
    const described = describe(error)
    await orAborted(callback.answer(described.message), signal)
    throw described
  }
}
