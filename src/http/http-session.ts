/** An HTTP session: an HTTP/2 session or an HTTP/1.1 connection. `HttpSessions` decides when to call its methods. */
import type { ServerHttp2Stream } from 'node:http2'

export interface HttpSession {
  /** Tells the client to send no further requests; closes when that is safe. */
  retire: () => void
  /** Ends with its next answer, if closing it at another time could cross a request. */
  closeAfterAnswer?: () => void
  /** Closes as soon as nothing is in flight. */
  close: () => void
  /** Resets what is too slow. @returns whether the TCP connection has to be destroyed */
  sweep: (now: number) => boolean
  /** A well-formed review arrived: the client may be idle for longer. */
  reviewed?: () => void
  /** The connection is trusted now: the client may have more in flight. */
  trust?: () => void
}

export interface SessionObserver {
  streamOpened: (stream: ServerHttp2Stream) => void
  streamClosed: () => void
  /** An answer was cut off because the client did not read it. */
  stalled: () => void
}
