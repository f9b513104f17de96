/** Casts between Node's HTTP/2 types and Fastify's, which by default know only HTTP/1.1. */
import type { RequestListener, Server } from 'node:http'
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { FastifyInstance } from 'fastify'

export type Http2Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => void

export function toHttp2Handler (handler: RequestListener): Http2Handler {
  return handler as unknown as Http2Handler
}

export function toFastifyServer (listener: Http2SecureServer): Server {
  return listener as unknown as Server
}

/** @returns the listener; that of the admin server has no methods of TLS and HTTP/2 */
export function listenerOf ({ server }: FastifyInstance): Http2SecureServer {
  return server as unknown as Http2SecureServer
}
