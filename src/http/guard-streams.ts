/**
 * Passes requests on to Fastify, unless their stream is closed. Node emits an
 * HTTP/2 request on a later tick: by then the client may have reset it, and an
 * exception in that tick ends the process. So each of the four events that carry
 * a request has a listener here that checks first; Node's own handlers for them
 * do not.
 */
import type { IncomingMessage, RequestListener, Server } from 'node:http'
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { Http2Handler } from './fastify-types.js'
import type { Rejection, Rejections } from './rejections.js'

const METHOD_NOT_ALLOWED = 405
const EXPECTATION_FAILED = 417

export function guardStreams (listener: Http2SecureServer, handler: Http2Handler, rejections: Rejections): void {
  const guarded = (next: Http2Handler): Http2Handler => (request, response) => {
    if (isClosed(request)) {
      rejections.request('closed')
      // HTTP/1.1 has none
      request.stream?.destroy()
    } else {
      next(request, response)
    }
  }
  const reject = (status: number, reason: Rejection): Http2Handler => guarded((request, response) => {
    rejections.request(reason, { peer: request.socket.remoteAddress })
    response.statusCode = status
    response.end()
  })
  const rejectConnect = reject(METHOD_NOT_ALLOWED, 'method')
  listener.on('request', guarded(handler))
  listener.on('checkContinue', guarded((request, response) => {
    response.writeContinue()
    handler(request, response)
  }))
  listener.on('checkExpectation', reject(EXPECTATION_FAILED, 'malformed'))
  listener.on('connect', (...[request, answer]: [Http2ServerRequest, Http2ServerResponse] | [IncomingMessage, Duplex]) => {
    if ('stream' in request) {
      rejectConnect(request, answer as Http2ServerResponse)
    } else {
      // HTTP/1.1 hands over the socket: nothing else listens to its errors any more
      rejections.request('method', { peer: request.socket.remoteAddress })
      answer.destroy()
    }
  })
}

/** The same for a listener that speaks only HTTP/1.1. */
export function guardRequests (listener: Server, handler: RequestListener, rejections: Rejections): void {
  const guarded = (next: RequestListener): RequestListener => (request, response) => {
    if (isClosed(request)) rejections.request('closed')
    else next(request, response)
  }
  listener.on('request', guarded(handler))
  // these two as Node does where nobody listens: src/http/track-sessions.ts does
  listener.on('checkContinue', guarded((request, response) => {
    response.writeContinue()
    handler(request, response)
  }))
  listener.on('checkExpectation', guarded((request, response) => {
    rejections.request('malformed', { peer: request.socket.remoteAddress })
    response.writeHead(EXPECTATION_FAILED).end()
  }))
}

/** HTTP/1.1 requests have no stream, and a socket that may have been closed after an earlier request. */
function isClosed ({ stream, socket }: Pick<Http2ServerRequest, 'socket'> & Partial<Pick<Http2ServerRequest, 'stream'>>): boolean {
  return stream === undefined ? socket.destroyed : stream.closed || stream.destroyed
}
