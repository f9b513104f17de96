/**
 * Stands between the API server and the service, with the service's own
 * certificate: writes down every review, and what it was answered. A test may
 * send a review astray, answer in the service's place, or change its answer.
 */
import { once } from 'node:events'
import { request as plainRequest } from 'node:http'
import { connect, createSecureServer, type ClientHttp2Session, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { authority, serving } from '../fixtures/service.js'

/** One review on the wire. */
export interface Tapped {
  readonly token: string
  /** When it came, in milliseconds of `performance.now()`. */
  readonly at: number
  /** What it was answered; 0 where nothing came back from the service. */
  readonly status: number
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A review on its way to the service. */
export interface Review {
  readonly token: string
  readonly path: string
  readonly body: string
}

/** Where a review goes; and how, where that is not what an API server with the right kubeconfig does. */
export interface Way {
  readonly port: number
  readonly path?: string
  /** Plain HTTP, to a port that speaks TLS. */
  readonly plain?: boolean
}

export interface WiretapOptions {
  readonly to: (token: string) => Way
  /** In the service's place, perhaps by a reset of the whole connection; `undefined` asks the service. */
  readonly answer?: (review: Review) => Answer | 'reset' | undefined
  /** What the API server gets in place of the service's answer. */
  readonly change?: (answer: Answer, review: Review) => Answer
}

export interface Wiretap {
  readonly port: number
  /** Every review so far, in the order of their arrival. */
  readonly reviews: readonly Tapped[]
  /** The reviews of one token. */
  of: (token: string) => readonly Tapped[]
}

export async function startWiretap (t: Test, { to, answer = () => undefined, change = answer => answer }: WiretapOptions): Promise<Wiretap> {
  const reviews: Array<{ token: string, at: number, status: number }> = []
  const service = createClient(t)
  const server = createSecureServer({ cert: serving.cert, key: serving.key, allowHTTP1: true })
  /** TCP's, by the API server's port: what speaks TLS can't send a reset. */
  const sockets = new Map<number | undefined, Socket>()
  server.on('connection', (socket: Socket) => {
    const port = socket.remotePort
    sockets.set(port, socket)
    socket.once('close', () => { sockets.delete(port) })
  })
  const pass = async (request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> => {
    const at = performance.now()
    try {
      const body = await text(request)
      const { token } = JSON.parse(body).spec
      const tapped = { token, at, status: 0 }
      reviews.push(tapped)
      const review = { token, path: request.url, body }
      const own = answer(review)
      if (own === 'reset') {
        sockets.get(request.socket.remotePort)?.resetAndDestroy()
        return
      }
      const given = change(own ?? await service(to(token), review), review)
      tapped.status = given.status
      response.writeHead(given.status, { 'content-type': 'application/json', ...given.headers }).end(given.body ?? '')
    } catch {
      // one of the two sides is gone, which the other is to see
      request.destroy()
    }
  }
  server.on('request', (request, response) => { void pass(request, response) })
  server.on('session', session => { t.teardown(() => { session.destroy() }) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  return {
    port: (server.address() as AddressInfo).port,
    reviews,
    of: token => reviews.filter(review => review.token === token)
  }
}

/** Asks as the API server does: over one HTTP/2 connection to each port. */
function createClient (t: Test): (way: Way, review: Review) => Promise<Answer> {
  const sessions = new Map<number, ClientHttp2Session>()
  t.teardown(() => { for (const session of sessions.values()) session.destroy() })
  function sessionTo (port: number): ClientHttp2Session {
    const open = sessions.get(port)
    if (open !== undefined && !open.closed && !open.destroyed) return open
    const session = connect(`https://127.0.0.1:${port}`, { ca: authority.cert })
    // its requests tell
    session.on('error', () => {})
    sessions.set(port, session)
    return session
  }
  return async ({ port, path, plain = false }, review) => {
    if (plain) return await askInPlain(port, review)
    const stream = sessionTo(port).request({ ':method': 'POST', ':path': path ?? review.path, 'content-type': 'application/json', 'content-length': Buffer.byteLength(review.body) })
    stream.end(review.body)
    const [headers] = await once(stream, 'response')
    return { status: headers[':status'], headers: kept(headers), body: await text(stream) }
  }
}

async function askInPlain (port: number, review: Review): Promise<Answer> {
  const call = plainRequest({ host: '127.0.0.1', port, method: 'POST', path: review.path, agent: false })
  call.end(review.body)
  const [response] = await once(call, 'response')
  return { status: response.statusCode, headers: kept(response.headers), body: await text(response) }
}

/** What an API server minds of an answer's headers. */
function kept (headers: Record<string, string | undefined>): Record<string, string> {
  return headers['retry-after'] === undefined ? {} : { 'retry-after': headers['retry-after'] }
}
