/** Limits on what clients may take and hold. */

/** Times in milliseconds. */
export interface Limits {
  /** From the TCP connection to the end of the TLS handshake; then once more to the end of the HTTP/2 preface. */
  readonly handshake: number
  /** To the end of a request's headers; also between two requests of a session without a review. */
  readonly headers: number
  /** To the end of a request's body. */
  readonly request: number
  /** Until the client has received a complete answer. */
  readonly answer: number
  /** Between two requests. Longer than the 90 s of Go's clients, so that they close first. */
  readonly idle: number
  /** Between two sweeps over all sessions, which enforce the other limits. */
  readonly sweep: number
  /** In which a drain still accepts requests over HTTP/1.1 and new connections that were on their way. */
  readonly grace: number
  /** From the start of a drain to the end of every connection. */
  readonly drain: number
  readonly streams: StreamLimits
}

/** Limits on HTTP/2 streams. */
export interface StreamLimits {
  /** Open streams of a trusted connection. API servers have been observed with 200 reviews in flight on one. */
  readonly perTrusted: number
  readonly perUntrusted: number
  /** Of a connection without an accepted client certificate, if one is required. */
  readonly withoutCertificate: number
  /** Of all connections. */
  readonly total: number
  readonly untrustedTotal: number
  /** Streams and requests of HTTP/1.1 that untrusted connections open in one turn of the event loop: Node frees even refused ones only at its end. */
  readonly untrustedPerTurn: number
  /** Bytes of a request's body that are buffered until it is read. */
  readonly window: number
  readonly untrustedWindow: number
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
    perTrusted: 256,
    // without a client CA an API server starts untrusted, and Go's client opens as many before it reads the settings
    perUntrusted: 100,
    withoutCertificate: 8,
    total: 4_096,
    untrustedTotal: 256,
    untrustedPerTurn: 1_024,
    window: 65_535,
    untrustedWindow: 16_384
  }
}
