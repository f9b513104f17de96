/** Asks a running service what an API server would ask: one TokenReview over HTTPS. */
import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:https'
import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import type { ApiVersion, TokenReviewRequest, TokenReviewStatus } from '../schemas/token-review.js'
import { CommandError, ExitCode } from './errors.js'

/** Where a service is, and what to trust and to show there. PEM throughout. */
export interface Target {
  readonly server: URL
  /** The system's own authorities where absent. */
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** The name in the certificate, where it isn't the URL's host. */
  readonly serverName?: string | undefined
  /** Sent as `Authorization`, as the API server sends the kubeconfig's user. */
  readonly authorization?: string | undefined
}

export interface Answer {
  readonly code: number
  readonly headers: IncomingHttpHeaders
  /** The body as it came. */
  readonly text: string
  /** The body as JSON; `{}` where it is none, or not an object. */
  readonly body: Readonly<Record<string, unknown>>
}

const TIMEOUT = 30_000

/** @throws CommandError with exit code 69 where the service can't be reached or doesn't answer with a TokenReview */
export async function requestReview (target: Target, apiVersion: ApiVersion, spec: TokenReviewRequest['spec']): Promise<TokenReviewStatus> {
  const answer = await postReview(target, apiVersion, spec)
  const { kind, status } = answer.body
  if (answer.code === 200 && kind === 'TokenReview' && typeof status === 'object' && status !== null) return status as TokenReviewStatus
  throw new CommandError(`${target.server.href} answered ${answer.code}: ${refusalOf(answer)}`, ExitCode.unavailable)
}

/** What a refusal says of itself, where it is a `Status`. */
export function refusalOf ({ body: { kind, message } }: Answer): string {
  return kind === 'Status' && typeof message === 'string' ? message : 'it is not a TokenReview'
}

/**
 * Whatever is answered, as it is.
 * @throws CommandError with exit code 69 where nothing is; its cause is the fault of the network or of TLS
 */
export async function postReview ({ server, ca, cert, key, serverName, authorization }: Target, apiVersion: ApiVersion, spec: TokenReviewRequest['spec']): Promise<Answer> {
  const name = serverName ?? hostOf(server)
  const payload = JSON.stringify({ apiVersion, kind: 'TokenReview', metadata: {}, spec, status: { user: {} } })
  return await new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      reject(new CommandError(`${server.href} can't be reached: ${error.message}`, ExitCode.unavailable, { cause: error }))
    }
    const call = request(withTimeout(server), {
      method: 'POST',
      ca,
      cert,
      key,
      // addresses are never sent as a name (RFC 6066, 3)
      servername: isIP(name) === 0 ? name : '',
      checkServerIdentity: (_host, peer) => checkName(name, peer),
      // any certificate of the CA file is trusted, as by Go
      allowPartialTrustChain: true,
      timeout: TIMEOUT,
      headers: {
        accept: 'application/json, */*',
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(payload),
        ...authorization !== undefined && { authorization }
      }
    }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', fail)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ code: response.statusCode ?? 0, headers: response.headers, text, body: parse(text) })
      })
    })
    call.on('timeout', () => { call.destroy(new Error(`no answer in ${TIMEOUT / 1000} s`)) })
    call.on('error', fail)
    call.end(payload)
  })
}

/** As Go does it, which knows no common names. */
function checkName (name: string, peer: PeerCertificate): Error | undefined {
  return peer.subjectaltname === undefined ? new Error('the certificate has no subject alternative name') : checkServerIdentity(name, peer)
}

/** The host as sockets take it: an IPv6 address without its brackets. */
export function hostOf ({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '')
}

/** The API server's query: whoever takes it for a part of the path can't be asked by one. */
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
