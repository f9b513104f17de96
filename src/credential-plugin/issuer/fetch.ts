/**
 * Requests of the OpenID client. A proxy, a login page or an attacker may answer:
 * hence HTTPS with the CA of the account, no redirects, and limits on time and
 * size.
 */
import type { CustomFetch } from 'openid-client'
import { fetch } from 'undici'
import { createAgent, readBody } from '../../requests/request.js'
import { RequestProblem, describeRedirect, describeRequestError, isRedirect } from '../../requests/request-errors.js'
import { SignInError } from '../sign-in-error.js'

/** Milliseconds for one request with its answer. */
const TIMEOUT = 15_000
/** A discovery document and a token are much smaller. */
const MAX_BYTES = 1024 * 1024

const TRUST = 'pass --certificate-authority FILE with the CA that signed it, or ask your administrator for a kubeconfig that has it'

/** Fails with a SignInError that says what is wrong with the network or with TLS. */
export function createFetch (ca: string | undefined, signal: AbortSignal): CustomFetch {
  return async (address, { method, headers, body }) => {
    const url = new URL(address)
    const deadline = AbortSignal.timeout(TIMEOUT)
    const agent = createAgentFor(url, ca)
    try {
      const response = await fetch(url, { method, headers, body: body?.toString() ?? null, redirect: 'manual', dispatcher: agent, signal: AbortSignal.any([signal, deadline]) })
      if (isRedirect(response.status)) throw new RequestProblem(describeRedirect(response.status, response.headers.get('location'), url))
      const bytes = await readBody(response, MAX_BYTES)
      // a Response with one of these can't have a body
      return new Response([204, 205, 304].includes(response.status) ? null : new Uint8Array(bytes), { status: response.status, headers: [...response.headers] })
    } catch (error) {
      signal.throwIfAborted()
      throw unavailable(url, deadline.aborted ? new RequestProblem(`no answer within ${TIMEOUT / 1000} s: check firewalls, VPN and HTTPS_PROXY`) : error)
    } finally {
      agent.destroy().catch(() => {})
    }
  }
}

function createAgentFor (url: URL, ca: string | undefined): ReturnType<typeof createAgent> {
  try {
    return createAgent(url, { ca, timeout: TIMEOUT })
  } catch (error) {
    throw unavailable(url, error)
  }
}

/** Without the query, which may be a secret. */
function unavailable (url: URL, error: unknown): SignInError {
  return new SignInError('unavailable', `can't reach the sign-in service: ${url.origin}${url.pathname}: ${describeRequestError(error, url, TRUST)}`, { cause: error })
}
