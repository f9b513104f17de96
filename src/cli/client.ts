/** Requests a TokenReview from a running service over HTTPS, as an API server does. */
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { request, type RequestOptions } from 'node:https'
import { isIP } from 'node:net'
import { checkServerIdentity, type ConnectionOptions, type PeerCertificate } from 'node:tls'
import type { ApiVersion, TokenReviewRequest, TokenReviewStatus } from '../../schemas/token-review.js'
import { Deadline } from '../authn/deadline.js'
import { messageOf } from '../errors.js'
import { CommandError, ExitCode } from './command-error.js'
import { decodeStatus } from './review-status.js'
import { hostOf } from './server-url.js'

/** A server, what to trust, and how to identify to it. Certificates and key are PEM. */
export interface Target {
  readonly server: URL
  /** By default the CAs that the system trusts. */
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** The name in the certificate, if it isn't the URL's host. */
  readonly serverName?: string | undefined
  /** The `Authorization` header, as the API server sends the kubeconfig's user. */
  readonly authorization?: string | undefined
}

export interface ReviewResponse {
  readonly code: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** `{}` unless the text is a JSON object. */
  readonly body: Readonly<Record<string, unknown>>
}

/** Milliseconds for a review, as in an API server. */
const TIMEOUT = 30_000
/** As much as an API server accepts in a request, and twice what a user in 5,000 groups needs. */
const MAX_BYTES = 3 * 1024 * 1024
/** Characters of a server's message that are shown. */
const MAX_MESSAGE = 300

/**
 * The status, with an error that can be shown.
 * @throws CommandError with exit code 69 if the service is unreachable or does not respond with a TokenReview
 */
export async function requestReview (target: Target, apiVersion: ApiVersion, spec: TokenReviewRequest['spec']): Promise<TokenReviewStatus> {
  const status = readStatus(await postReview(target, apiVersion, spec), apiVersion)
  // servers may repeat the token
  const quote = (message: string): string => truncate(message.replaceAll(spec.token, '<token>'))
  if (typeof status === 'string') throw new CommandError(`${target.server.href}: ${quote(status)}`, ExitCode.unavailable)
  return status.error === undefined ? status : { ...status, error: quote(status.error) }
}

/** The status of a response that an API server can decode, or what is wrong with the response. */
export function readStatus ({ code, body: { kind, apiVersion, message, status } }: ReviewResponse, requested: ApiVersion): TokenReviewStatus | string {
  if (code !== 200 || kind !== 'TokenReview') return `HTTP ${code}: ${kind === 'Status' && typeof message === 'string' ? message : 'not a TokenReview'}`
  if (apiVersion !== requested) return `the response has ${typeof apiVersion === 'string' ? `apiVersion ${apiVersion}` : 'no apiVersion'}, which an API server can't decode`
  const decoded = decodeStatus(status)
  return typeof decoded === 'string' ? `the response has ${decoded}` : decoded
}

/** Servers may send a page of HTML. */
export function truncate (message: string): string {
  return message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message
}

/**
 * Any response of up to {@link MAX_BYTES} that arrives within `timeout`.
 * @throws CommandError with exit code 69 otherwise; its cause is the error of the network or of TLS
 */
export async function postReview (target: Target, apiVersion: ApiVersion, spec: TokenReviewRequest['spec'], timeout = TIMEOUT): Promise<ReviewResponse> {
  const payload = JSON.stringify({ apiVersion, kind: 'TokenReview', metadata: {}, spec, status: { user: {} } })
  let call: ClientRequest | undefined
  const response = new Promise<ReviewResponse>((resolve, reject) => {
    // after "101 Switching Protocols" this is the only event
    const closed = (): void => { reject(new Error('the connection was closed without a response')) }
    call = request(withTimeout(target.server), optionsFor(target, payload), message => {
      call?.off('close', closed)
      readResponse(message).then(resolve, reject)
    })
    call.on('error', reject).on('close', closed).end(payload)
  })
  try {
    // not the socket's timeout, which starts again with each byte
    return await new Deadline(timeout).race(response, () => new Error(`no response within ${timeout / 1000} s`))
  } catch (error) {
    call?.destroy()
    throw new CommandError(`cannot reach ${target.server.href}: ${messageOf(error)}`, ExitCode.unavailable, { cause: error })
  }
}

function optionsFor (target: Target, payload: string): RequestOptions {
  const { server, serverName, authorization } = target
  return {
    ...tlsOptions(target),
    method: 'POST',
    checkServerIdentity: (_host, peer) => checkName(serverName ?? hostOf(server), peer),
    headers: {
      accept: 'application/json, */*',
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(payload),
      ...authorization !== undefined && { authorization }
    }
  }
}

/** For any connection to the target. */
export function tlsOptions ({ server, ca, cert, key, serverName }: Target): ConnectionOptions {
  const name = serverName ?? hostOf(server)
  return {
    ca,
    cert,
    key,
    // IP addresses are never sent as a server name (RFC 6066, 3)
    servername: isIP(name) === 0 ? name : '',
    // any certificate of the CA file is trusted, as in Go
    allowPartialTrustChain: true
  }
}

async function readResponse (response: IncomingMessage): Promise<ReviewResponse> {
  let text = ''
  let bytes = 0
  for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk
    bytes += Buffer.byteLength(chunk)
    if (bytes > MAX_BYTES) throw new Error(`the response is larger than ${MAX_BYTES / 1024 / 1024} MiB`)
  }
  return { code: response.statusCode ?? 0, headers: response.headers, text, body: parse(text) }
}

/** As Go, which ignores common names. */
function checkName (name: string, peer: PeerCertificate): Error | undefined {
  return peer.subjectaltname === undefined ? new Error('the certificate has no subject alternative name') : checkServerIdentity(name, peer)
}

/** The API server's query: a server that rejects it can't be used by one. */
function withTimeout (server: URL): URL {
  const url = new URL(server)
  url.searchParams.set('timeout', `${TIMEOUT / 1000}s`)
  return url
}

function parse (text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value as Record<string, unknown> : {}
  } catch {
    return {}
  }
}
