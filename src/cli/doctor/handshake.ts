/**
 * One TLS handshake that refuses nothing, so that everything about it can be
 * looked at. Nothing is ever sent over it: what asks, verifies.
 */
import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { hostOf, type Target } from '../client.js'
import { failed, ok, unavailable, warning, type Check } from './check.js'
import { portOf } from './reach.js'

export interface Handshake {
  /** The certificate that was shown, then those above it that came along. */
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]]
  /** OpenSSL's name of what is wrong with the chain: `CERT_HAS_EXPIRED`; absent where nothing is. Names are not compared. */
  readonly chainError: string | undefined
  /** `tls` and `http2`. */
  readonly checks: readonly Check[]
}

/** Gives the failed check where there is no handshake. `patience`: milliseconds. */
export async function shakeHands (target: Target, patience: number): Promise<Handshake | Check> {
  let socket: TLSSocket | undefined
  try {
    // throws for what OpenSSL refuses to use, such as a client certificate with a short key
    socket = openSocket(target)
    await secured(socket, patience)
    return {
      certificates: certificatesOf(socket),
      // typed as an Error, in fact OpenSSL's name of the error
      chainError: socket.authorized ? undefined : String(socket.authorizationError),
      checks: [ok('tls', `${socket.getProtocol()}, ${socket.getCipher().name}`), describeProtocol(socket)]
    }
  } catch (error) {
    return refusal(error as NodeJS.ErrnoException)
  } finally {
    socket?.destroy()
  }
}

function openSocket ({ server, ca, cert, key, serverName }: Target): TLSSocket {
  const name = serverName ?? hostOf(server)
  return connect({
    host: hostOf(server),
    port: portOf(server),
    // addresses are never sent as a name (RFC 6066, 3)
    ...isIP(name) === 0 && { servername: name },
    ca,
    cert,
    key,
    ALPNProtocols: ['h2', 'http/1.1'],
    minVersion: 'TLSv1.2',
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    // any certificate of the CA file is trusted, as by Go
    allowPartialTrustChain: true
  })
}

async function secured (socket: TLSSocket, patience: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      // not the socket's timeout, which starts again with each byte
      timer = setTimeout(() => { reject(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })) }, patience)
      socket.once('secureConnect', resolve)
      socket.on('error', reject)
    })
  } finally {
    clearTimeout(timer)
  }
}

function certificatesOf (socket: TLSSocket): [X509Certificate, ...X509Certificate[]] {
  // every cipher that Node.js offers makes a server show one
  const leaf = socket.getPeerX509Certificate()!
  const certificates: [X509Certificate, ...X509Certificate[]] = [leaf]
  for (let above = leaf.issuerCertificate; above !== undefined && certificates.length < 10; above = above.issuerCertificate) certificates.push(above)
  return certificates
}

function describeProtocol ({ alpnProtocol }: TLSSocket): Check {
  return alpnProtocol === 'h2'
    ? ok('http2', 'offered')
    : warning('http2', 'not offered: API servers open a connection for each review at a time', 'let whatever stands before the service pass TLS through, or offer h2 by ALPN')
}

function refusal ({ code = 'unknown', message }: NodeJS.ErrnoException): Check {
  if (code === 'ETIMEDOUT') return unavailable('tls', 'the port opens, but nothing shakes hands', 'the process hangs, or the port is not a TLS port: look at its log')
  if (/wrong version number|packet length too long/i.test(message)) return failed('tls', 'what answers there does not speak TLS', 'the port of the reviews, not the admin port, belongs in "server"')
  if (/protocol.version|unsupported.protocol/i.test(message)) return failed('tls', 'what answers there speaks neither TLS 1.2 nor 1.3', 'API servers speak nothing older: upgrade what stands before the service')
  return failed('tls', `the handshake fails: ${code === 'unknown' ? message : code}`, "look at the service's log, and at whatever stands between")
}
