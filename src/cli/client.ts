/** Asks a running service what an API server would ask: one TokenReview over HTTPS. */
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { request, type RequestOptions } from 'node:https'
import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import type { ApiVersion, TokenReviewRequest, TokenReviewStatus } from '../../schemas/token-review.js'
import { CommandError, ExitCode } from './command-error.js'
import { decodeStatus } from './review-status.js'

export { decodeStatus }

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

/** Milliseconds for a whole review, as API servers give it. */
const TIMEOUT = 30_000
/** As much as an API server takes of a request, and twice what a user in 5,000 groups needs. */
const MAX_BYTES = 3 * 1024 * 1024
/** Of what a server says, in a message. */
const MAX_WORDS = 300

/**
 * The status, with an error that is fit to be shown.
 * @throws CommandError with exit code 69 where the service can't be reached or doesn't answer with a TokenReview
 */
export async function requestReview (target: Target, apiVersion: ApiVersion, spec: TokenReviewRequest['spec']): Promise<TokenReviewStatus> {
  const status = readStatus(await postReview(target, apiVersion, spec), apiVersion)
  // what answers may repeat what it was asked
  const quote = (words: string): string => shorten(words.replaceAll(spec.token, '<token>'))
  if (typeof status === 'string') throw new CommandError(`${target.server.href}: ${quote(status)}`, ExitCode.unavailable)
  return status.error === undefined ? status : { ...status, error: quote(status.error) }
}

/** The status of an answer that an API server can read; otherwise what is wrong with it. */
export function readStatus (answer: Answer, asked: ApiVersion): TokenReviewStatus | string {
  const { code, body: { kind, apiVersion, status } } = answer
  if (code !== 200 || kind !== 'TokenReview') return `the answer is ${code}: ${refusalOf(answer)}`
  if (apiVersion !== asked) return `the answer is of ${typeof apiVersion === 'string' ? apiVersion : 'no version'}, which an API server can't decode`
  const decoded = decodeStatus(status)
  return typeof decoded === 'string' ? `the answer has ${decoded}` : decoded
}

/** What a refusal says of itself, where it is a `Status`. */
function refusalOf ({ body: { kind, message } }: Answer): string {
  return kind === 'Status' && typeof message === 'string' ? message : 'it is not a TokenReview'
}

/** A server's words for a message, which is no place for a page of HTML. */
export function shorten (words: string): string {
  return words.length > MAX_WORDS ? `${words.slice(0, MAX_WORDS)}…` : words
}

/**
 * Whatever is answered, as it is; no more than {@link MAX_BYTES} of it, and within `timeout`.
 * @throws CommandError with exit code 69 where nothing is; its cause is the error of the network or of TLS
 */
export async function postReview (target: Target, apiVersion: ApiVersion, spec: TokenReviewRequest['spec'], timeout = TIMEOUT): Promise<Answer> {
  const payload = JSON.stringify({ apiVersion, kind: 'TokenReview', metadata: {}, spec, status: { user: {} } })
  let call: ClientRequest | undefined
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise((resolve, reject) => {
      // not the socket's timeout, which starts again with each byte
      timer = setTimeout(() => { reject(new Error(`no answer in ${timeout / 1000} s`)) }, timeout)
      // after "101 Switching Protocols" this is the only event
      const closed = (): void => { reject(new Error('the connection was closed without an answer')) }
      call = request(withTimeout(target.server), optionsFor(target, payload), response => {
        call?.off('close', closed)
        readAnswer(response).then(resolve, reject)
      })
      call.on('error', reject).on('close', closed).end(payload)
    })
  } catch (error) {
    call?.destroy()
    throw new CommandError(`${target.server.href} can't be reached: ${(error as Error).message}`, ExitCode.unavailable, { cause: error })
  } finally {
    clearTimeout(timer)
  }
}
function optionsFor ({ server, ca, cert, key, serverName, authorization }: Target, payload: string): RequestOptions {
  const name = serverName ?? hostOf(server)
  return {
    method: 'POST',
    ca,
    cert,
    key,
    // addresses are never sent as a name (RFC 6066, 3)
    servername: isIP(name) === 0 ? name : '',
    checkServerIdentity: (_host, peer) => checkName(name, peer),
    // any certificate of the CA file is trusted, as by Go
    allowPartialTrustChain: true,
    headers: {
      accept: 'application/json, */*',
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(payload),
      ...authorization !== undefined && { authorization }
    }
  }
}

async function readAnswer (response: IncomingMessage): Promise<Answer> {
  let text = ''
  let bytes = 0
  for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk
    bytes += Buffer.byteLength(chunk)
    if (bytes > MAX_BYTES) throw new Error(`the answer is larger than ${MAX_BYTES / 1024 / 1024} MiB`)
  }
  return { code: response.statusCode ?? 0, headers: response.headers, text, body: parse(text) }
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
