/** Asks a running service what an API server would ask: one TokenReview over HTTPS. */
import { request } from 'node:https'
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
  readonly body: unknown
}

const TIMEOUT = 30_000

/** @throws CommandError with exit code 69 where the service can't be reached or doesn't answer with a TokenReview */
export async function requestReview (target: Target, apiVersion: ApiVersion, spec: TokenReviewRequest['spec']): Promise<TokenReviewStatus> {
  const { code, body } = await post(target, JSON.stringify({ apiVersion, kind: 'TokenReview', metadata: {}, spec, status: { user: {} } }))
  const { kind, status, message } = body as { kind?: unknown, status?: unknown, message?: unknown }
  if (code === 200 && kind === 'TokenReview' && typeof status === 'object' && status !== null) return status as TokenReviewStatus
  const words = kind === 'Status' && typeof message === 'string' ? message : 'it is not a TokenReview'
  throw new CommandError(`${target.server.href} answered ${code}: ${words}`, ExitCode.unavailable)
}

async function post ({ server, ca, cert, key, serverName, authorization }: Target, payload: string): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      reject(new CommandError(`${server.href} can't be reached: ${error.message}`, ExitCode.unavailable, { cause: error }))
    }
    const call = request(server, {
      method: 'POST',
      ca,
      cert,
      key,
      servername: serverName,
      timeout: TIMEOUT,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload), ...authorization !== undefined && { authorization } }
    }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', fail)
      response.on('end', () => { resolve({ code: response.statusCode ?? 0, body: parse(Buffer.concat(chunks)) }) })
    })
    call.on('timeout', () => { call.destroy(new Error(`no answer in ${TIMEOUT / 1000} s`)) })
    call.on('error', fail)
    call.end(payload)
  })
}

function parse (bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString()) ?? {}
  } catch {
    return {}
  }
}
