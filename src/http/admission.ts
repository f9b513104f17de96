/**
 * Every TCP connection of a listener from its first moment on, whatever becomes
 * of its handshake: what it has shown, and what it holds for that. A credential
 * that was accepted proves a connection; the others share what is left.
 */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Logger } from 'pino'
import { DropLog } from './drop-log.js'
import type { StreamLimits } from './limits.js'
import type { Drop, Rejections } from './rejections.js'
import { UnprovenConnections, type Unproven } from './unproven-connections.js'

/** What a handshake showed: the name of an accepted client certificate, or why there is none and the name of the one that was shown. */
export type ClientVerdict = { readonly name: string } | { readonly refusal: string, readonly shown?: string | undefined }

export type Judge = (socket: TLSSocket) => ClientVerdict

export interface Accepted extends Unproven {
  /** Of the TLS context that its handshake is made with. */
  readonly generation: number
  /** Once its handshake is done, and if there is a judge. */
  verdict?: ClientVerdict | undefined
  /** HTTP/2 streams that are open on it. */
  streams: number
}

/** Of all connections, what the unproven ones may have, and what one network may have of these. */
const UNPROVEN_SHARE = 1 / 2
const NETWORK_SHARE = 1 / 4

export interface AdmissionOptions {
  readonly maxConnections: number
  readonly streams: StreamLimits
  readonly rejections: Rejections
  readonly log: Pick<Logger, 'warn'>
}

export class Admission {
  readonly #limits: StreamLimits
  readonly #rejections: Rejections
  readonly #drops: DropLog
  readonly #accepted = new Map<string, Accepted>()
  readonly #unproven: UnprovenConnections
  #judge: Judge | undefined
  #generation = 0
  #streams = 0

  constructor ({ maxConnections, streams, rejections, log }: AdmissionOptions) {
    this.#limits = streams
    this.#rejections = rejections
    this.#drops = new DropLog(log)
    this.#unproven = new UnprovenConnections({
      connections: atLeastOne(maxConnections * UNPROVEN_SHARE),
      perNetwork: atLeastOne(maxConnections * NETWORK_SHARE),
      streams: streams.unprovenInTotal
    }, ({ address }) => { this.drop('evicted', address) })
  }

  /** Handshakes included. */
  get size (): number {
    return this.#accepted.size
  }

  get unproven (): number {
    return this.#unproven.size
  }

  accept (socket: Socket): Accepted {
    const accepted: Accepted = {
      address: socket.remoteAddress ?? '',
      generation: this.#generation,
      streams: 0,
      // not within what Node makes of its bytes: it may go on with them
      evict: () => { setImmediate(() => { socket.destroy() }) }
    }
    const key = keyOf(socket)
    this.#accepted.set(key, accepted)
    this.#unproven.add(accepted)
    socket.once('close', () => {
      this.#accepted.delete(key)
      this.#unproven.delete(accepted)
      // Node may never say of streams that they are closed
      this.#streams -= accepted.streams
      accepted.streams = 0
    })
    return accepted
  }

  /** By a socket, or by what is layered on it; `undefined` once it is closed. */
  find (socket: Socket): Accepted | undefined {
    return this.#accepted.get(keyOf(socket))
  }

  /** Has every handshake from now on judged. */
  judgeBy (judge: Judge): void {
    this.#judge = judge
  }

  /** Whether handshakes are judged: then nothing else proves a connection. */
  get judges (): boolean {
    return this.#judge !== undefined
  }

  /** At the end of a handshake. */
  judge (accepted: Accepted, socket: TLSSocket): void {
    accepted.verdict = this.#judge?.(socket)
    if (isAccepted(accepted.verdict)) this.prove(accepted)
  }

  /** From here on it is never evicted. */
  prove (accepted: Accepted): void {
    this.#unproven.delete(accepted)
  }

  /** From here on handshakes are made with another TLS context. */
  renew (): void {
    this.#generation++
  }

  /** Its handshake was checked against what is no longer trusted. */
  isStale ({ generation }: Accepted): boolean {
    return generation !== this.#generation
  }

  /** @returns whether there is room for the stream; an unproven connection may be evicted for it */
  openStream (accepted: Accepted): boolean {
    this.#streams++
    accepted.streams++
    const hasRoom = this.#unproven.openStream(accepted)
    if (hasRoom && this.#streams <= this.#limits.inTotal) return true
    this.#rejections.request('too-many-streams', { peer: accepted.address })
    return false
  }

  closeStream (accepted: Accepted): void {
    if (accepted.streams === 0) return
    this.#streams--
    accepted.streams--
    this.#unproven.closeStream(accepted)
  }

  /** Counts a connection that is closed, or was refused, for want of room. */
  drop (reason: Drop, address: string | undefined): void {
    this.#rejections.connection(reason)
    this.#drops.note(reason, address)
  }

  sweep (now: number): void {
    this.#drops.flush(now)
  }

  /** Ends all of them at once. */
  cut (): void {
    for (const { evict } of this.#accepted.values()) evict()
  }
}

export function isAccepted (verdict: ClientVerdict | undefined): verdict is { readonly name: string } {
  return verdict !== undefined && 'name' in verdict
}

/** Of a TCP connection and of what is layered on it: nothing else documented links a TLS socket to its TCP socket. */
function keyOf ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(' ')
}

function atLeastOne (count: number): number {
  return Math.max(Math.floor(count), 1)
}
