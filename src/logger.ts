/**
 * pino: JSON lines on stdout, or text on a terminal. Redaction is the second
 * net; the first is that nobody hands a secret to the logger.
 */
import { pino, symbols, type DestinationStream, type Logger } from 'pino'
import type { LogConfig } from '../schemas/config.js'
import { escapeTexts } from './printable.js'

const SECRET_FIELDS = ['token', 'password', 'passwordHash', 'hash', 'key', 'authorization', 'bindPassword', 'fingerprintKey']
const REDACTED = SECRET_FIELDS.flatMap(field => [field, `*.${field}`, `*.*.${field}`])

/** Bytes that are written at once, and milliseconds that they wait for each other. */
const BATCH = 131_072
const PATIENCE = 10
/** Of a UTF-16 unit in UTF-8. */
const MOST_BYTES = 3

export interface LoggerOptions extends Pick<LogConfig, 'level' | 'format'> {
  /** Is stdout a terminal? Decides what `format: auto` means. */
  readonly terminal: boolean
  /** For tests: where lines go instead of stdout. */
  readonly destination?: DestinationStream
}

export async function createLogger ({ level, format, terminal, destination }: LoggerOptions): Promise<Logger> {
  const text = format === 'text' || (format === 'auto' && terminal)
  const stream = destination ?? (text ? await textStream(terminal) : new Stdout())
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: label => ({ level: label }) },
    redact: { paths: REDACTED, censor: '[redacted]' }
  }, stream)
}

/**
 * Standard output, many lines a write: each write wakes a thread of the pool,
 * which takes a processor as long as half a review does. A line becomes bytes at
 * once: strings in pieces, all put together at the end, cost 2 µs each.
 */
class Stdout implements DestinationStream {
  readonly #stream = pino.destination({ dest: 1, sync: false, contentMode: 'buffer' })
  readonly #batch = Buffer.allocUnsafeSlow(BATCH)
  #length = 0
  #timer: NodeJS.Timeout | undefined

  write (line: string): void {
    const most = line.length * MOST_BYTES
    if (this.#length + most > BATCH) this.flush()
    if (most > BATCH) {
      this.#send(Buffer.from(line))
      return
    }
    this.#length += this.#batch.write(line, this.#length)
    this.#timer ??= setTimeout(() => { this.flush() }, PATIENCE)
  }

  /** Before the process ends: what the stream has been given is written then, what waits here isn't. */
  flush (done?: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#length > 0) this.#send(Buffer.from(this.#batch.subarray(0, this.#length)))
    this.#length = 0
    done?.()
  }

  /** For fatal errors, after which the process may be gone at once. */
  flushSync (): void {
    this.flush()
    this.#stream.flushSync()
  }

  /** @param bytes nobody's else from now on */
  #send (bytes: Buffer): void {
    // typed for strings, which it doesn't take in this mode
    this.#stream.write(bytes as unknown as string)
  }
}

/** Where a logger's lines go, for those that are too many to be composed by pino. */
export function destinationOf (log: Logger): DestinationStream {
  return (log as unknown as Record<symbol, DestinationStream>)[symbols.streamSym]!
}

async function textStream (terminal: boolean): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty')
  const colorize = terminal && process.env.NO_COLOR === undefined
  const stream = pretty({ colorize, sync: true, translateTime: 'SYS:HH:MM:ss', messageKey: 'msg' })
  return {
    // pino-pretty writes texts much as they are, and colours that are its own: they can't be told apart afterwards
    write (lines) {
      for (const line of lines.trimEnd().split('\n')) stream.write(`${JSON.stringify(escapeTexts(JSON.parse(line)))}\n`)
    }
  }
}
