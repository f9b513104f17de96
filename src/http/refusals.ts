/**
 * Refusals below the routes, where Fastify's error handler doesn't reach: plain
 * HTTP on the TLS port, what Node's HTTP/1.1 parser refuses, and URLs that the
 * router can't read. Like every refusal a Kubernetes `Status`.
 */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { statusOf } from '../errors.js'
import type { OnRejection, Rejection } from './rejections.js'

/** A TLS socket, and the TCP socket beneath it: not documented, and the only way to answer in plain text. */
type MaybeTlsSocket = Socket & { _parent?: Socket | null }

/** For Fastify's `clientErrorHandler`, which Node's `tlsClientError` reaches as well. Ends the connection. */
export function refuseConnection (error: Error & { code?: string }, socket: MaybeTlsSocket, onRejected: OnRejection): void {
  // a socket that is closed has no address, but the one beneath it may remember
  const peer = socket.remoteAddress ?? socket._parent?.remoteAddress
  const reject = (reason: Rejection, detail: string, code?: number, to: Socket | null | undefined = socket): void => {
    onRejected(reason, { peer, detail })
    // a handshake that failed has nobody to talk to
    if (code !== undefined) answer(to, code, detail)
  }
  switch (error.code) {
    case 'ERR_SSL_HTTP_REQUEST': reject('plain-http', 'this port speaks HTTPS; use https:// in the URL', 400, socket._parent); break
    case 'ERR_HTTP_REQUEST_TIMEOUT': reject('timeout', 'the request took too long to arrive', 408); break
    case 'HPE_HEADER_OVERFLOW': reject('too-large', 'the headers are larger than this service reads', 431); break
    default:
      if (error.code?.startsWith('HPE_') === true) reject('malformed', 'this is not HTTP/1.1', 400)
      else reject('tls-handshake', error.code ?? 'unknown')
  }
  socket.destroy()
}

function answer (socket: Socket | null | undefined, code: number, message: string): void {
  if (socket == null || !socket.writable) return
  const body = `${JSON.stringify(statusOf(code, message))}\n`
  socket.write([
    `HTTP/1.1 ${code} ${STATUS_CODES[code]}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body
  ].join('\r\n'))
}

/** For Fastify's `frameworkErrors`, whose own message repeats the URL. */
export function refuseUrl (_error: FastifyError, { server, raw }: FastifyRequest, reply: FastifyReply): void {
  const message = 'the path can not be read: it is not percent-encoded UTF-8'
  server.rejections.request('malformed', { peer: server.connections.peerOf(raw), detail: message })
  reply.code(400).send(statusOf(400, message))
}
