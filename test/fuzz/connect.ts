/** TLS connections of the fuzzer, with sessions resumed: a handshake costs more than most inputs. */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { once } from 'node:events'
import type { Attacked } from '../fixtures/attacked.js'
import type { Client } from './http2-case.js'

export interface Connection {
  readonly tcp: Socket
  readonly tls: TLSSocket
}

export class Connector {
  readonly #service: Attacked
  readonly #contexts: Record<Client, SecureContext>
  readonly #sessions = new Map<string, Buffer>()

  /**
   * Whether HTTP/2 sessions of Node's get frames that end them in the midst of
   * others, which Node itself does not always survive. Otherwise only strangers
   * send such frames, who have no session of Node's.
   */
  readonly wildSessions: boolean

  constructor (service: Attacked, { wildSessions = false } = {}) {
    this.wildSessions = wildSessions
    const { ca, client, stranger } = service
    this.#service = service
    this.#contexts = {
      'api-server': createSecureContext({ ca, ...client }),
      stranger: createSecureContext({ ca, ...stranger }),
      nobody: createSecureContext({ ca })
    }
  }

  /** `undefined` where the service does not take it. */
  async open (client: Client, protocol: 'h2' | 'http/1.1', { resumed = true } = {}): Promise<Connection | undefined> {
    const tcp = connectTcp({ port: this.#service.port, host: '127.0.0.1', noDelay: true })
    const key = `${client} ${protocol}`
    const session = resumed ? this.#sessions.get(key) : undefined
    const tls = connectTls({ socket: tcp, servername: 'localhost', ALPNProtocols: [protocol], secureContext: this.#contexts[client], ...session && { session } })
    // a reset is one way to be refused
    tcp.on('error', () => {})
    tls.on('error', () => {})
    tls.on('session', (ticket: Buffer) => { this.#sessions.set(key, ticket) })
    try {
      await Promise.race([once(tls, 'secureConnect'), once(tls, 'close').then(() => { throw new Error('closed') })])
      return { tcp, tls }
    } catch {
      tcp.destroy()
      return undefined
    }
  }
}

/** How a client may leave. */
export function leave ({ tcp, tls }: Connection, how: 'reset' | 'abort' | 'half-close' | 'close'): void {
  switch (how) {
    case 'reset':
      tcp.resetAndDestroy()
      break
    case 'abort':
      tcp.destroy()
      break
    case 'half-close':
      tls.end()
      break
    case 'close':
      tls.destroySoon()
  }
}
