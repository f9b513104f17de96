/**
 * Connects to one host, ready for the first LDAP message: TCP, then TLS as
 * configured. Nothing secret is sent before the host has proved its name.
 */
import { connect, isIP, type Socket } from 'node:net'
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import type { LdapTlsConfig } from '../../../../schemas/providers/ldap.js'
import { Deadline } from '../../../../src/authn/deadline.js'
import { DirectoryError, codeOf, messageOf } from '../../../../src/errors.js'
import { startTls } from './start-tls.js'
import type { TlsCertificates } from './tls-files.js'
import { describeHandshakeError, describeTlsError, TimedOutError } from './tls-errors.js'

export interface Host {
  /** `dc1.example.com:636`, for logs. */
  readonly name: string
  readonly hostname: string
  readonly port: number
}

export function hostOf (url: string): Host {
  const { protocol, hostname, port } = new URL(url)
  const number = port === '' ? protocol === 'ldaps:' ? 636 : 389 : Number(port)
  return { name: `${hostname}:${number}`, hostname: hostname.replace(/^\[(.*)\]$/, '$1'), port: number }
}

export interface DialSettings {
  readonly tls: LdapTlsConfig
  /** As of now: the files may change. */
  readonly certificates: () => TlsCertificates
  /** Milliseconds, for TCP and TLS together. */
  readonly timeout: number
  /** Removes secrets from what a host says. */
  readonly redact?: (text: string) => string
}

const KEEP_ALIVE = 30_000

/** @throws DirectoryError, or the reason of `signal` */
export async function dial (host: Host, { tls, certificates, timeout, redact = text => text }: DialSettings, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted()
  const deadline = new Deadline(timeout)
  const limit = async (step: Promise<unknown>, late: string): Promise<void> => {
    await deadline.race(step, () => new TimedOutError(`${late} ${timeout} ms`))
  }
  let socket: Socket = quiet(connect({ host: host.hostname, port: host.port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE }))
  let isHandshake = false
  const abort = (): void => { socket.destroy(new Error('aborted')) }
  signal.addEventListener('abort', abort, { once: true })
  try {
    await limit(once(socket, 'connect'), 'no connection within')
    if (tls.mode === 'startTLS') await limit(startTls(socket, redact), 'no answer to StartTLS within')
    if (tls.mode !== 'none') {
      isHandshake = true
      socket = quiet(connectTls({
        socket,
        host: host.hostname,
        servername: tls.serverName || (isIP(host.hostname) === 0 ? host.hostname : ''),
        ...certificates(),
        // trust any certificate of the CA bundle, not only roots
        allowPartialTrustChain: true,
        rejectUnauthorized: !tls.insecureSkipVerify,
        minVersion: 'TLSv1.2'
      }))
      await limit(once(socket, 'secureConnect'), 'no TLS handshake within')
    }
    return socket
  } catch (error) {
    socket.destroy()
    signal.throwIfAborted()
    throw new DirectoryError(`${host.name} can't be reached: ${(isHandshake ? describeHandshakeError(error, tls.mode === 'ldaps') : undefined) ?? reasonOf(error)}`, 'host')
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/**
 * An error without a listener ends the process, and it may be emitted right
 * after the event that was awaited. After an error of TLS, Node.js leaves the
 * socket open.
 */
function quiet<T extends Socket> (socket: T): T {
  return socket.on('error', () => { socket.destroy() })
}

/** Node's errors carry certificates and stacks; the message and the code are enough. */
function reasonOf (error: unknown): string {
  const tlsError = describeTlsError(error)
  if (tlsError !== undefined) return tlsError
  const code = codeOf(error)
  const text = messageOf(error) || String(error)
  return code === undefined || text.includes(code) ? text.split('\n').pop()! : `${text} (${code})`
}
