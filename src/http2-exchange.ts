/**
 * A request and its response over HTTP/2, as Fastify uses them. Node's own
 * (`Http2ServerRequest`, `Http2ServerResponse`) are streams on top of a stream,
 * with a dozen listeners in between: 2.4 µs of a review's 29, and a third of the
 * garbage. These hand everything to the stream itself.
 */
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'

type Listener = (...args: any[]) => void

/** What both have of the stream's events. */
class Events {
  readonly stream: ServerHttp2Stream

  constructor (stream: ServerHttp2Stream) {
    this.stream = stream
  }

  on (event: string, listener: Listener): this {
    this.stream.on(event, listener)
    return this
  }

  once (event: string, listener: Listener): this {
    this.stream.once(event, listener)
    return this
  }

  removeListener (event: string, listener: Listener): this {
    this.stream.removeListener(event, listener)
    return this
  }

  get destroyed (): boolean {
    return this.stream.destroyed
  }

  destroy (error?: Error): void {
    this.stream.destroy(error)
  }
}

/** Takes the place of `Http2ServerRequest`. */
export class Http2Request extends Events {
  readonly headers: IncomingHttpHeaders
  readonly method: string | undefined
  url: string | undefined

  constructor (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    super(stream)
    this.headers = headers
    this.method = headers[':method']
    this.url = headers[':path']
    // a stream that the client resets; whoever reads the body listens too
    stream.on('error', ignore)
    stream.once('close', settle)
  }

  get httpVersion (): string {
    return '2.0'
  }

  get httpVersionMajor (): number {
    return 2
  }

  get socket (): Socket | undefined {
    return this.stream.session?.socket
  }

  get aborted (): boolean {
    return this.stream.aborted
  }

  resume (): void {
    this.stream.resume()
  }
}

function ignore (): void {}

const CLOSED = new Error('the stream is closed')

/**
 * An answer's stream is closed before its last write is done. Node then makes an
 * error, with its stack, for callbacks that wait for the end, though there are
 * none: 1.8 µs of a review's 27. Not where a stream has an error already.
 * @see https://github.com/nodejs/node/blob/v20.20.2/lib/internal/streams/writable.js `errorBuffer`
 */
function settle (this: ServerHttp2Stream): void {
  const { _writableState } = this as ServerHttp2Stream & { readonly _writableState?: { errored: Error | null } }
  if (_writableState !== undefined) _writableState.errored ??= CLOSED
}

/** Takes the place of `Http2ServerResponse`. */
export class Http2Response extends Events {
  statusCode = 200
  /** Whether `end` was called. */
  writableEnded = false
  #headers: OutgoingHttpHeaders | undefined

  get headersSent (): boolean {
    return this.stream.headersSent
  }

  /** @param name as of all headers here: in lower case, as Fastify writes them */
  getHeader (name: string): OutgoingHttpHeaders[string] {
    return this.#headers?.[name]
  }

  getHeaders (): OutgoingHttpHeaders {
    return { ...this.#headers }
  }

  hasHeader (name: string): boolean {
    return this.getHeader(name) !== undefined
  }

  setHeader (name: string, value: OutgoingHttpHeaders[string]): void {
    this.#headers = { ...this.#headers, [name]: value }
  }

  removeHeader (name: string): void {
    this.setHeader(name, undefined)
  }

  writeHead (statusCode: number, headers?: OutgoingHttpHeaders): void {
    this.statusCode = statusCode
    // the client is gone
    if (this.stream.destroyed || this.stream.closed) return
    const fields: OutgoingHttpHeaders = { ':status': statusCode, ...this.#headers, ...headers }
    // Fastify ends the connection of a body that it refuses; of HTTP/2 that would be every request's
    if (fields.connection !== undefined) fields.connection = undefined
    this.stream.respond(fields)
  }

  write (chunk: string | Uint8Array): boolean {
    this.#begin()
    return !this.destroyed && this.stream.write(chunk)
  }

  end (chunk?: string | Uint8Array | null): void {
    if (this.writableEnded) return
    this.writableEnded = true
    this.#begin()
    // an answer to HEAD has ended with its headers
    if (chunk == null || this.destroyed || this.stream.writableEnded) this.stream.end()
    else this.stream.end(chunk)
  }

  /** `Expect: 100-continue` */
  writeContinue (): void {
    this.stream.additionalHeaders({ ':status': 100 })
  }

  #begin (): void {
    if (!this.headersSent) this.writeHead(this.statusCode)
  }
}
