/** How long others may take, and how much they may have open. */

/** Times in milliseconds. */
export interface Limits {
  /** From the TCP connection to the end of the TLS handshake; then once more to the end of the HTTP/2 preface. */
  readonly handshake: number
  /** To the end of a request's headers; between two requests of a connection that has not brought a review yet. */
  readonly headers: number
  /** To the end of a request's body. */
  readonly request: number
  /** Until the client has taken a complete answer. */
  readonly answer: number
  /** Between two requests. Longer than the 90 s of Go's clients, so that they close first. */
  readonly idle: number
  /** Between two looks at all connections: how late the others may come. */
  readonly sweep: number
  /** In which a drain still takes what was on its way: requests over HTTP/1.1, new connections. */
  readonly grace: number
  /** From the start of a drain to the end of every connection. */
  readonly drain: number
  readonly streams: StreamLimits
}

/** HTTP/2 streams; "unproven" are those of connections that have not shown an accepted credential. */
export interface StreamLimits {
  /** Open at once on a connection. The API server was seen to have 200 reviews in flight on one. */
  readonly perConnection: number
  readonly perUnproven: number
  /** Where a client certificate is required, and there is no accepted one. */
  readonly perStranger: number
  /** Of all connections. */
  readonly inTotal: number
  readonly unprovenInTotal: number
  /** Bytes of a request's body that are taken before somebody reads them. */
  readonly window: number
  readonly unprovenWindow: number
}

export const LIMITS: Omit<Limits, 'drain'> = {
  handshake: 10_000,
  headers: 10_000,
  request: 20_000,
  answer: 5_000,
  idle: 100_000,
  sweep: 1_000,
  grace: 200,
  streams: {
    perConnection: 256,
    // without a client CA an API server begins unproven, and Go's client opens as many before it reads the settings
    perUnproven: 100,
    perStranger: 8,
    inTotal: 4_096,
    unprovenInTotal: 256,
    window: 65_535,
    unprovenWindow: 16_384
  }
}
