/**
 * Rejects what never reaches a route: plain HTTP on the TLS port, requests that
 * Node's HTTP/1.1 parser rejects, and URLs that the router can't decode. Like
 * every rejection, the answer is a Kubernetes `Status`.
 */
import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { statusOf } from '../errors.js'
import { http1Answer } from './http1-answer.js'
import type { Rejection, Rejections } from './rejections.js'

/** For Fastify's `clientErrorHandler`, which also receives `tlsClientError`. Closes the connection. */
export function rejectConnection (error: Error & { code?: string }, socket: Socket, rejections: Rejections): void {
  const tcpSocket = tcpSocketOf(socket)
  // a closed TLS socket has no address, but the TCP socket may remember it
  const peer = socket.remoteAddress ?? tcpSocket?.remoteAddress
  const reject = (reason: Rejection, detail: string, code?: number, to: Socket | undefined = socket): void => {
    rejections.request(reason, { peer, detail })
    // after a failed handshake nothing can be sent
    if (code !== undefined) answer(to, code, detail)
  }
  switch (error.code) {
    case 'ERR_SSL_HTTP_REQUEST': reject('plain-http', 'this port speaks HTTPS; use https:// in the URL', 400, tcpSocket); break
    case 'ERR_HTTP_REQUEST_TIMEOUT': reject('timeout', 'the request took too long to arrive', 408); break
    case 'HPE_HEADER_OVERFLOW': reject('too-large', 'the headers are larger than this service reads', 431); break
    default:
      if (error.code?.startsWith('HPE_') === true) reject('malformed', 'this is not HTTP/1.1', 400)
      else reject('tls-handshake', error.code ?? 'unknown')
  }
  socket.destroy()
}

/** The TCP socket beneath a TLS socket. A private field of Node's: once the handshake has failed, nothing documented leads to it. */
function tcpSocketOf (socket: Socket & { _parent?: Socket | null }): Socket | undefined {
  return socket._parent ?? undefined
}

function answer (socket: Socket, code: number, message: string): void {
  if (socket.writable) socket.write(http1Answer(code, `${JSON.stringify(statusOf(code, message))}\n`))
}

/** For Fastify's `frameworkErrors`, whose own message repeats the URL. */
export function rejectUrl (_error: FastifyError, { server, raw }: FastifyRequest, reply: FastifyReply): void {
  const message = 'the path can not be read: it is not percent-encoded UTF-8'
  server.rejections.request('malformed', { peer: server.httpSessions.tcpConnectionOf(raw)?.address, detail: message })
  reply.code(400).send(statusOf(400, message))
}
