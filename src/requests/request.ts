/** Requests to issuers with undici: a CA for each, proxies of the environment as in Go, answers of a bounded size. */
import { EnvHttpProxyAgent, type Response } from 'undici'
import { messageOf } from '../errors.js'
import { proxyFor } from './proxy.js'
import { RequestProblem } from './request-errors.js'

export interface AgentOptions {
  /** PEM. Absent: the CAs that Node.js trusts. */
  readonly ca: string | undefined
  /** Milliseconds to connect. */
  readonly timeout: number
}

/** @throws RequestProblem */
export function createAgent (url: URL, { ca, timeout }: AgentOptions): EnvHttpProxyAgent {
  // explicit, so that NODE_TLS_REJECT_UNAUTHORIZED has no say
  const tls = { rejectUnauthorized: true, timeout, ...ca !== undefined && { ca } }
  const { httpsProxy, noProxy } = proxyFor(url)
  try {
    return new EnvHttpProxyAgent({ httpProxy: '', httpsProxy, noProxy, connect: tls, requestTls: tls, proxyTls: { rejectUnauthorized: true, timeout } })
  } catch (error) {
    // not its text, which may hold a password
    throw new RequestProblem(`HTTPS_PROXY is not usable: ${messageOf(error)}`)
  }
}

/** @param maxBytes after decompression; @throws RequestProblem */
export async function readBody ({ body }: Response, maxBytes: number): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of body ?? []) {
    length += piece.length
    if (length > maxBytes) throw new RequestProblem(`is too large: more than ${maxBytes / 1024} KiB`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}
