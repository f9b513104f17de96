/**
 * Hands requests on to Fastify, after a look at their streams. Node hands an
 * HTTP/2 request over in a tick of its own: by then the client may have reset
 * it, and what throws in that tick ends the process. So each of Node's four ways
 * to hand one over has a listener here that looks first; where there is no
 * listener, Node answers without a look.
 */
import type { IncomingMessage, RequestListener } from 'node:http'
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { OnRejection, Rejection } from './rejections.js'

export type Http2Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => void

const METHOD_NOT_ALLOWED = 405
const EXPECTATION_FAILED = 417

export function guardStreams (listener: Http2SecureServer, handler: Http2Handler, onRejected: OnRejection): void {
  const guarded = (next: Http2Handler): Http2Handler => (request, response) => {
    if (isClosed(request)) {
      onRejected('closed', {})
      // HTTP/1.1 has none
      request.stream?.destroy()
    } else {
      next(request, response)
    }
  }
  const refuse = (status: number, reason: Rejection): Http2Handler => guarded((request, response) => {
    onRejected(reason, { peer: request.socket.remoteAddress })
    response.statusCode = status
    response.end()
  })
  const refuseConnect = refuse(METHOD_NOT_ALLOWED, 'method')
  listener.on('request', guarded(handler))
  listener.on('checkContinue', guarded((request, response) => {
    response.writeContinue()
    listener.emit('request', request, response)
  }))
  listener.on('checkExpectation', refuse(EXPECTATION_FAILED, 'malformed'))
  listener.on('connect', (...[request, answer]: [Http2ServerRequest, Http2ServerResponse] | [IncomingMessage, Duplex]) => {
    if ('stream' in request) {
      refuseConnect(request, answer as Http2ServerResponse)
    } else {
      // HTTP/1.1 gives the socket away: nobody else listens to its errors any more
      onRejected('method', { peer: request.socket.remoteAddress })
      answer.destroy()
    }
  })
}

/** The same for a listener that speaks HTTP/1.1 alone. */
export function guardRequests (handler: RequestListener, onRejected: OnRejection): RequestListener {
  return (request, response) => {
    if (isClosed(request)) onRejected('closed', {})
    else handler(request, response)
  }
}

/** HTTP/1.1 requests have no stream, and a socket that may have been closed for the requests before them. */
function isClosed ({ stream, socket }: Pick<Http2ServerRequest, 'socket'> & Partial<Pick<Http2ServerRequest, 'stream'>>): boolean {
  return stream === undefined ? socket.destroyed : stream.closed || stream.destroyed
}
