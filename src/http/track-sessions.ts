/** Turns the connections of a listener into HTTP sessions, at the end of their handshake. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { constants, type Http2SecureServer, type Http2ServerRequest, type Http2ServerResponse, type Settings } from 'node:http2'
import type { Socket } from 'node:net'
import { Server as TlsServer, type TLSSocket } from 'node:tls'
import { statusOf } from '../errors.js'
import { Http1Connection } from './http1-connection.js'
import { Http2Session } from './http2-session.js'
import type { HttpSessions } from './http-sessions.js'
import type { Limits, StreamLimits } from './limits.js'
import { RejectedHttp1Connection } from './rejected-http1-connection.js'
import { RejectedHttp2Session } from './rejected-http2-session.js'
import type { Rejections } from './rejections.js'
import type { ClientCertificate, TcpConnection, TcpConnections } from './tcp-connections.js'

export interface TrackingOptions {
  readonly server: Http2SecureServer
  readonly limits: Limits
  readonly tcpConnections: TcpConnections
  readonly httpSessions: HttpSessions
  readonly rejections: Rejections
  /** Whether clients without an accepted certificate may use no route at all. */
  readonly clientCertificateOnly: boolean
}

export function trackSessions (options: TrackingOptions): void {
  const { server, limits, tcpConnections, httpSessions, rejections } = options

  const addHttp1 = (socket: Socket, tcpConnection: TcpConnection): void => {
    const stalled = (): void => { rejections.request('stalled', { peer: tcpConnection.address }) }
    httpSessions.add(new Http1Connection(socket, limits, { stalled }), socket, tcpConnection)
  }

  server.on('drop', data => { rejections.connection('full', data?.remoteAddress) })
  server.on('connection', socket => {
    const tcpConnection = tcpConnections.accept(socket)
    if (!(server instanceof TlsServer)) addHttp1(socket, tcpConnection)
  })
  server.on('session', session => {
    const tcpConnection = tcpConnections.find(session.socket)
    if (tcpConnection === undefined) {
      session.destroy()
      return
    }
    httpSessions.add(new Http2Session(session, limits, {
      streamOpened (stream) {
        // unprocessed, so that the client may retry it (RFC 9113, 8.7)
        if (!tcpConnections.openStream(tcpConnection)) stream.close(constants.NGHTTP2_REFUSED_STREAM)
      },
      streamClosed () { tcpConnections.closeStream(tcpConnection) },
      stalled () { rejections.request('stalled', { peer: tcpConnection.address }) }
    }), session, tcpConnection)
  })
  // instead of Node's listeners, which create an HTTP/2 session or an HTTP/1.1 parser
  const listeners = server.listeners('secureConnection')
  server.removeAllListeners('secureConnection')
  server.on('secureConnection', socket => {
    const tcpConnection = tcpConnections.find(socket)
    if (tcpConnection === undefined) {
      // closed during the handshake
      socket.destroy()
    } else if (!rejectSession(options, socket, tcpConnection)) {
      for (const listener of listeners) listener.call(server, socket)
      if (tcpConnection.session === undefined) addHttp1(socket, tcpConnection)
    }
  })
  // each request is one event; before the listeners that answer, perhaps at once
  for (const event of ['request', 'checkContinue', 'checkExpectation'] as const) {
    server.prependListener(event, (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse) => {
      const session = httpSessions.sessionOf(request)
      if (!(session instanceof Http1Connection)) return
      session.answer(response)
      const tcpConnection = httpSessions.tcpConnectionOf(request)
      if (tcpConnection !== undefined) tcpConnections.countRequest(tcpConnection)
    })
  }
}

/** Checks the client certificate. @returns whether the client gets neither an HTTP/2 session nor a parser of Node's */
function rejectSession ({ server, limits, tcpConnections, httpSessions, rejections, clientCertificateOnly }: TrackingOptions, socket: TLSSocket, tcpConnection: TcpConnection): boolean {
  tcpConnections.checkClientCertificate(tcpConnection, socket)
  const { address: peer, clientCertificate } = tcpConnection
  server.updateSettings(settingsFor(clientCertificate, limits.streams))
  if (!clientCertificateOnly || clientCertificate?.accepted !== false) return false
  const { reason: detail, subject } = clientCertificate
  const Session = socket.alpnProtocol === 'h2' ? RejectedHttp2Session : RejectedHttp1Connection
  httpSessions.add(new Session(socket, limits, {
    code: 401,
    body: `${JSON.stringify(statusOf(401, detail))}\n`,
    onRejected () { rejections.request('client-certificate', { peer, clientCertificate: subject, detail }) }
  }), socket, tcpConnection)
  return true
}

function settingsFor (clientCertificate: ClientCertificate | undefined, limits: StreamLimits): Settings {
  if (clientCertificate?.accepted === true) return { maxConcurrentStreams: limits.perTrusted, initialWindowSize: limits.window }
  return { maxConcurrentStreams: clientCertificate === undefined ? limits.perUntrusted : limits.withoutCertificate, initialWindowSize: limits.untrustedWindow }
}
