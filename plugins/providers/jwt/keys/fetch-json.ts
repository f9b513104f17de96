/**
 * Fetches a document of an issuer. The answer is hostile input: HTTPS
 * only, no redirects, limits on time and on size after decompression. Each
 * request has its own connection, since they are hours apart and the CA may
 * change in between.
 */
import { fetch, type EnvHttpProxyAgent, type Response } from 'undici'
import { KeySourceError } from '../../../../src/errors.js'
import { createAgent, readBody } from '../../../../src/requests/request.js'
import { RequestProblem, describeRequestError, describeStatus } from '../../../../src/requests/request-errors.js'
import { isObject } from '../../../../src/authn/jwt/json.js'

export interface FetchOptions {
  /** What it is, for errors: `discovery document`. */
  readonly name: string
  /** PEM. Absent: the CAs that Node.js trusts. */
  readonly ca: string | undefined
  /** After decompression. */
  readonly maxBytes: number
  /** Milliseconds of `deadline`, for errors. */
  readonly timeout: number
  /** Ends the request, including the answer; it may be shared by several. */
  readonly deadline: AbortSignal
  readonly signal: AbortSignal
}

export interface FetchedText {
  readonly text: string
  readonly headers: Response['headers']
}

export interface FetchedDocument {
  readonly document: Readonly<Record<string, unknown>>
  readonly headers: Response['headers']
}

/** @throws KeySourceError that says what is wrong, and what to do */
export async function fetchJSON (url: URL, options: FetchOptions): Promise<FetchedDocument> {
  const { text, headers } = await fetchText(url, options, { accept: 'application/json' })
  const document = parse(text)
  if (isObject(document)) return { document, headers }
  const type = headers.get('content-type')?.split(';')[0]
  throw new KeySourceError(`${subjectOf(url, options)}: is not a JSON object (${type === undefined ? 'no content type' : printable(type)}): check whether the URL is that of the issuer, or a login page or proxy answers`)
}

/** @throws KeySourceError that says what is wrong, and what to do */
export async function fetchText (url: URL, options: FetchOptions, headers: Readonly<Record<string, string>>): Promise<FetchedText> {
  const { timeout, deadline, signal, maxBytes } = options
  const subject = subjectOf(url, options)
  let agent: EnvHttpProxyAgent | undefined
  try {
    agent = createAgent(url, options)
    const response = await fetch(url, {
      dispatcher: agent,
      redirect: 'manual',
      headers: { 'user-agent': 'authn-webhook', ...headers },
      signal: AbortSignal.any([signal, deadline])
    })
    const problem = describeStatus(response.status, response.headers.get('location'), url)
    if (problem !== undefined) throw new RequestProblem(problem)
    return { text: new TextDecoder().decode(await readBody(response, maxBytes)), headers: response.headers }
  } catch (error) {
    if (deadline.aborted) throw new KeySourceError(`${subject}: no answer within ${timeout / 1000} s: check firewalls, network policies, and HTTPS_PROXY`)
    throw new KeySourceError(`${subject}: ${describeRequestError(error, url, TRUST)}`)
  } finally {
    agent?.destroy().catch(() => {})
  }
}

/** Without the query, which may be a secret. */
function subjectOf ({ origin, pathname }: URL, { name }: FetchOptions): string {
  return `${name} ${origin}${pathname}`
}

const TRUST = 'set certificateAuthority or certificateAuthorityFile of the issuer to the CA that signed it'

function parse (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Of a header. */
function printable (text: string): string {
  return text.trim().replace(/[^\w/.+-]/g, '?').slice(0, 50)
}
