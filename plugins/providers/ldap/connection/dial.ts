/**
 * A connection to one host, ready for the first LDAP message: TCP, then TLS as
 * the config wants it. Nothing secret is sent before the host has proved its
 * name.
 */
import { connect, isIP, type Socket } from 'node:net'
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import type { LdapTlsConfig } from '../../../../schemas/providers/ldap.js'
import { DirectoryError } from '../../../../src/errors.js'
import { startTls } from './start-tls.js'
import type { TlsCertificates } from './tls-files.js'
import { TimedOutError, describeTlsError, describeHandshakeError } from './tls-errors.js'

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
  /** As of now: its files may change. */
  readonly certificates: () => TlsCertificates
  /** Milliseconds for all of it. */
  readonly timeout: number
  /** Takes secrets out of the words of a host; absent: there are none. */
  readonly redact?: (words: string) => string
}

const KEEP_ALIVE = 30_000

const NO_HANDSHAKE = 'no TLS handshake within'

/** @throws DirectoryError, or the reason of `signal` */
export async function dial (host: Host, { tls, certificates, timeout, redact = words => words }: DialSettings, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted()
  let socket: Socket = quiet(connect({ host: host.hostname, port: host.port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE }))
  const abort = (): void => { socket.destroy(new Error('nobody waits any more')) }
  let late = 'no connection within'
  const timer = setTimeout(() => { socket.destroy(new TimedOutError(`${late} ${timeout} ms`)) }, timeout)
  signal.addEventListener('abort', abort, { once: true })
  try {
    await once(socket, 'connect')
    if (tls.mode === 'startTLS') {
      late = 'no answer to StartTLS within'
      await startTls(socket, redact)
    }
    if (tls.mode !== 'none') {
      late = NO_HANDSHAKE
      socket = quiet(connectTls({
        socket,
        host: host.hostname,
        servername: tls.serverName || (isIP(host.hostname) === 0 ? host.hostname : ''),
        ...certificates(),
        // any certificate of the CA file is trusted, not only roots
        allowPartialTrustChain: true,
        rejectUnauthorized: !tls.insecureSkipVerify,
        minVersion: 'TLSv1.2'
      }))
      await once(socket, 'secureConnect')
    }
    return socket
  } catch (error) {
    socket.destroy()
    signal.throwIfAborted()
    throw new DirectoryError(`${host.name} can't be reached: ${(late === NO_HANDSHAKE ? describeHandshakeError(error as Error, tls.mode === 'ldaps') : undefined) ?? reasonOf(error)}`, 'host')
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}

/**
 * An error ends the process where nobody listens, and may come in the same
 * breath as the event that was waited for. One of TLS does not even close the
 * connection; the close tells enough.
 */
function quiet<T extends Socket> (socket: T): T {
  return socket.on('error', () => { socket.destroy() })
}

/** Node's errors carry certificates and stacks; the words and the code are enough. */
function reasonOf (error: unknown): string {
  const ofTls = describeTlsError(error as Error)
  if (ofTls !== undefined) return ofTls
  const { message, code, errors } = error as NodeJS.ErrnoException & { errors?: Error[] }
  const words = message || errors?.map(({ message }) => message).join(', ') || String(error)
  return code === undefined || words.includes(code) ? words.split('\n').pop()! : `${words} (${code})`
}
