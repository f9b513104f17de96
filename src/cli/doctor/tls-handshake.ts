/** A TLS handshake that accepts any certificate, so that all of them can be examined. No data is sent over it. */
import { once } from 'node:events'
import type { X509Certificate } from 'node:crypto'
import { connect, type TLSSocket } from 'node:tls'
import { Deadline } from '../../authn/deadline.js'
import { codeOf, messageOf } from '../../errors.js'
import { tlsOptions, type Target } from '../client.js'
import { hostOf, portOf } from '../server-url.js'
import { failed, ok, unavailable, type DoctorCheck } from './check.js'
import { timedOut } from './connect.js'

export interface TlsHandshake {
  /** The serving certificate, then the CA certificates that the server sent. */
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]]
  /** OpenSSL's verification error, such as `CERT_HAS_EXPIRED`. Names are not compared. */
  readonly chainError: string | undefined
  /** `tls` and `protocol`. */
  readonly checks: readonly DoctorCheck[]
}

/** The failed check if there is no handshake within `timeout` milliseconds. */
export async function performHandshake (target: Target, timeout: number): Promise<TlsHandshake | DoctorCheck> {
  let socket: TLSSocket | undefined
  try {
    // throws if OpenSSL does not accept a file, such as a client certificate with a short key
    socket = openSocket(target)
    await new Deadline(timeout).race(once(socket, 'secureConnect'), timedOut)
    return {
      certificates: certificatesOf(socket),
      // declared as an Error, but it is the name of OpenSSL's error
      chainError: socket.authorized ? undefined : String(socket.authorizationError),
      checks: [ok('tls', `${socket.getProtocol()}, ${socket.getCipher().name}`), checkProtocol(socket)]
    }
  } catch (error) {
    return describeFailure(error)
  } finally {
    socket?.destroy()
  }
}

function openSocket (target: Target): TLSSocket {
  return connect({
    ...tlsOptions(target),
    host: hostOf(target.server),
    port: portOf(target.server),
    ALPNProtocols: ['h2', 'http/1.1'],
    minVersion: 'TLSv1.2',
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined
  })
}

function certificatesOf (socket: TLSSocket): [X509Certificate, ...X509Certificate[]] {
  // every cipher that Node.js offers requires a serving certificate
  const serving = socket.getPeerX509Certificate()!
  const certificates: [X509Certificate, ...X509Certificate[]] = [serving]
  for (let issuer = serving.issuerCertificate; issuer !== undefined && certificates.length < 10; issuer = issuer.issuerCertificate) certificates.push(issuer)
  return certificates
}

function checkProtocol ({ alpnProtocol }: TLSSocket): DoctorCheck {
  return ok('protocol', alpnProtocol === 'h2' ? 'HTTP/2: an API server sends all reviews over one connection' : 'HTTP/1.1: an API server opens a connection for each concurrent review')
}

function describeFailure (error: unknown): DoctorCheck {
  const [code, message] = [codeOf(error), messageOf(error)]
  if (code === 'ETIMEDOUT') return unavailable('tls', 'TCP connects, but the TLS handshake times out', "look at the service's log: the process hangs, or the port does not speak TLS")
  if (/wrong version number|packet length too long/i.test(message)) return failed('tls', 'the port does not speak TLS', 'set "server" to the review port, not the admin port')
  if (/protocol.version|unsupported.protocol/i.test(message)) return failed('tls', 'the server supports neither TLS 1.2 nor 1.3', 'upgrade the proxy in front of the service: API servers require TLS 1.2 or newer')
  return failed('tls', `the TLS handshake failed: ${code ?? message}`, 'look at the logs of the service and of any proxy in front of it')
}
