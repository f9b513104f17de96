/**
 * Creates the logger: JSON lines, or text on a terminal. Redaction is a second
 * line of defence; callers must not pass secrets to the logger.
 */
import { pino, type DestinationStream, type Logger } from 'pino'
import type { LogConfig } from '../schemas/config.js'
import type { ProviderLog } from './authn/provider.js'
import { OutputQueue } from './output-queue.js'
import { escapeTexts } from './printable.js'

const SECRET_FIELDS = ['token', 'password', 'passwordHash', 'hash', 'key', 'authorization', 'bindPassword', 'fingerprintKey']
const REDACTED = SECRET_FIELDS.flatMap(field => [field, `*.${field}`, `*.*.${field}`])

/** Receives whole lines. */
export interface Destination extends DestinationStream {
  flush?: (done?: () => void) => void
  flushSync?: () => void
}

export interface LoggerOptions extends Pick<LogConfig, 'level' | 'format'> {
  /** Whether stdout is a terminal, which decides what `format: auto` means. */
  readonly terminal: boolean
  /** Default: stdout. */
  readonly destination?: Destination
}

export async function createLogger ({ level, format, terminal, destination = new OutputQueue({ fd: 1 }) }: LoggerOptions): Promise<Logger> {
  const text = format === 'text' || (format === 'auto' && terminal)
  const stream = text ? await textStream(destination, terminal) : destination
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: label => ({ level: label }) },
    redact: { paths: REDACTED, censor: '[redacted]' }
  }, stream)
}

/** pino's methods with the order of arguments that the provider contract promises. */
export function providerLog (log: Logger, provider: string): ProviderLog {
  const child = log.child({ provider })
  return {
    debug: (fields, message) => { child.debug(fields, message) },
    info: (fields, message) => { child.info(fields, message) },
    warn: (fields, message) => { child.warn(fields, message) },
    error: (fields, message) => { child.error(fields, message) }
  }
}

/** Formats lines for people. */
async function textStream (destination: Destination, terminal: boolean): Promise<Destination> {
  // a bundler keeps only the default export
  const { default: pretty } = await import('pino-pretty')
  const format = pretty.prettyFactory({ colorize: terminal && process.env.NO_COLOR === undefined, translateTime: 'SYS:HH:MM:ss', messageKey: 'msg' })
  return {
    // escaped before pino-pretty adds its colours, which could not be told from escape sequences in a text
    write (lines) {
      for (const line of lines.trimEnd().split('\n')) destination.write(format(JSON.stringify(escapeTexts(JSON.parse(line)))))
    },
    flush (done) { destination.flush?.(done) },
    flushSync () { destination.flushSync?.() }
  }
}
