/**
 * Refusals below the routes, where Fastify's error handler doesn't reach: plain
 * HTTP on the TLS port, what Node's HTTP/1.1 parser refuses, and URLs that the
 * router can't read. Like every refusal a Kubernetes `Status`.
 */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { statusOf } from './errors.js'
import type { Rejection } from './http/rejections.js'

/** A TLS socket, and the TCP socket beneath it: not documented, and the only way to answer in plain text. */
type MaybeTlsSocket = Socket & { _parent?: Socket | null }

/** For Fastify's `clientErrorHandler`, which Node's `tlsClientError` reaches as well. Ends the connection. */
export function refuseConnection (error: Error & { code?: string }, socket: MaybeTlsSocket, onRejected: (reason: Rejection) => void): void {
  switch (error.code) {
    case 'ERR_SSL_HTTP_REQUEST':
      onRejected('plain-http')
      answer(socket._parent, 400, 'this port speaks HTTPS; use https:// in the URL')
      break
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      onRejected('timeout')
      answer(socket, 408, 'the request took too long to arrive')
      break
    case 'HPE_HEADER_OVERFLOW':
      onRejected('too-large')
      answer(socket, 431, 'the headers are larger than this service reads')
      break
    default:
      if (error.code?.startsWith('HPE_') === true) {
        onRejected('malformed')
        answer(socket, 400, 'this is not HTTP/1.1')
      } else {
        // a handshake that failed has nobody to talk to
        onRejected('tls-handshake')
      }
  }
  socket.destroy()
}

function answer (socket: Socket | null | undefined, code: number, message: string): void {
  if (socket == null || !socket.writable) return
  const body = JSON.stringify(statusOf(code, message))
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
export function refuseUrl (_error: FastifyError, { server }: FastifyRequest, reply: FastifyReply): void {
  server.rejections.request('malformed')
  reply.code(400).send(statusOf(400, 'the path can not be read: it is not percent-encoded UTF-8'))
}
