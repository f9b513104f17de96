/**
 * The service as a process: its log on stdout, the signals it handles, and how
 * it ends. Nothing here waits for the reader of the log.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isatty } from 'node:tty'
import type CloseWithGrace from 'close-with-grace'
import type { Logger } from 'pino'
import type { LogConfig } from '../../schemas/config.js'
import type { Service } from '../app.js'
import { ExitCode } from './command-error.js'
import { joinLines } from './terminal.js'
import { surviveBrokenOutput } from './broken-output.js'

/** Bytes of messages to stderr that wait for its reader. */
const STDERR_CAPACITY = 65_536
/** Milliseconds that the end of the process waits for the log to be written. */
const FLUSH_LIMIT = 1_000

/** What would make the process go on after an error that it can't know the extent of. */
const NOT_GRACEFUL: CloseWithGrace.AllEvents[] = [
  // memory is corrupt: the handler would return to the instruction that raised the signal, for ever
  'SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP', 'SIGABRT',
  'uncaughtException', 'unhandledRejection'
]

export interface ServiceProcess {
  readonly log: Logger
  /** Log lines dropped since the start. */
  readonly droppedLines: () => number
  /** Lines for people on stdout, in their place among the log lines. */
  readonly print: (lines: readonly string[]) => void
  /** Closes the service on SIGTERM, SIGINT, SIGQUIT and SIGUSR2, and on SIGHUP at a terminal, and then ends the process. */
  readonly stopOnSignal: (service: Service, closeLimit: number) => void
}

/** Opens the log and handles everything but the signals that stop the service. */
export async function openServiceProcess (config: LogConfig, terminal: boolean): Promise<ServiceProcess> {
  const [{ createLogger }, { OutputQueue }, { default: closeWithGrace }] = await Promise.all([import('../logger.js'), import('../output-queue.js'), import('close-with-grace')])
  surviveBrokenOutput()
  const stderr = new OutputQueue({ fd: 2, capacity: STDERR_CAPACITY })
  const stdout = new OutputQueue({
    fd: 1,
    onStall (reason) { stderr.write(`authn-webhook: cannot write the log to stdout: ${reason}; the service goes on and drops log lines once its queue is full\n`) },
    onRecover (dropped) { log.warn({ dropped }, 'log lines were dropped because stdout could not be written') }
  })
  const log = await createLogger({ ...config, terminal, destination: stdout })
  process.once('exit', () => {
    stdout.flushSync()
    stderr.flushSync()
  })
  endOnUnexpectedError(log)
  // a log file as large as `ulimit -f` allows is an error of the write, which the queue handles; unhandled, the signal kills
  process.on('SIGXFSZ', () => {})
  // of a terminal that closes; else of someone who wants a reload, which needs no signal
  const attended = terminal || isatty(0)
  if (!attended) process.on('SIGHUP', signal => { log.info({ signal }, 'ignored a signal: users files and certificates are reloaded when they change') })
  return {
    log,
    droppedLines: () => stdout.dropped,
    print (lines) { stdout.write(joinLines(lines)) },
    stopOnSignal (service, closeLimit) {
      const onSecondSignal = (further: string): void => { log.error({ signal: further }, 'exiting at once: another signal came while stopping') }
      closeWithGrace({ delay: closeLimit + FLUSH_LIMIT, logger: log, onSecondSignal, skip: attended ? NOT_GRACEFUL : [...NOT_GRACEFUL, 'SIGHUP'] }, async ({ signal }) => {
        log.info({ signal }, 'stopping')
        // at a terminal there is no load balancer to wait for
        await service.close({ immediately: signal === 'SIGINT' || signal === 'SIGHUP' })
        log.info('stopped')
        await flushed(log)
        if (signal === 'SIGHUP') endBy(signal)
      })
    }
  }
}

/** As if nobody had listened to the signal. Without its terminal Node.js 20 crashes in an ordinary exit, where it restores the terminal's settings. */
function endBy (signal: 'SIGHUP'): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}

/** At once and without a drain: after an error that nobody expected, no answer can be trusted. */
function endOnUnexpectedError (log: Logger): void {
  let ending = false
  const end = async (err: unknown): Promise<void> => {
    if (ending) return
    ending = true
    log.fatal({ err }, 'exiting after an unexpected error')
    await flushed(log)
    try {
      process.exit(ExitCode.internal)
    } catch {
      // a listener of a third party threw; they are not called again
      process.exit(ExitCode.internal)
    }
  }
  process.on('uncaughtException', end)
  process.on('unhandledRejection', end)
}

async function flushed (log: Logger): Promise<void> {
  await Promise.race([new Promise<void>(resolve => { log.flush(() => { resolve() }) }), sleep(FLUSH_LIMIT)])
}
