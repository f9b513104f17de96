/**
 * One connection, of either protocol: how it is told to end, and what it is cut
 * for. connections.ts decides when.
 */
import type { ServerHttp2Stream } from 'node:http2'

export interface Connection {
  /** Tells the other side to send no more here; ends when that is safe. */
  retire: () => void
  /** Ends as soon as nothing is in flight. */
  close: () => void
  /** Cuts what is too slow; tells whether the connection itself has to be cut. */
  sweep: (now: number) => boolean
  /** A well-formed review came: the other side may be idle for longer. */
  reviewed: () => void
  /** The other side may have as much in flight as any may. */
  grow: () => void
}

/** Who wants to know of streams: they are bounded over all connections. */
export interface StreamObserver {
  opened: (stream: ServerHttp2Stream) => void
  closed: () => void
  /** An answer was cut that the client did not take. */
  stalled: () => void
}
