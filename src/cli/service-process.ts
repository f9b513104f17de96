/** The service's process: its log on stdout, its signals, and its end. Nothing here waits for the reader of the log. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isatty } from 'node:tty'
import type CloseWithGrace from 'close-with-grace'
import type { Logger } from 'pino'
import type { LogConfig } from '../../schemas/config.js'
import type { Service } from '../app.js'
import { ExitCode } from './command-error.js'
import { joinLines } from './terminal.js'
import { surviveBrokenOutput } from './broken-output.js'

/** Bytes of queued messages to stderr. */
const STDERR_CAPACITY = 65_536
/** Milliseconds for writing the log before the process ends. */
const FLUSH_LIMIT = 1_000

/** Events after which the process must not continue, since the extent of the error is unknown. */
const NOT_GRACEFUL: CloseWithGrace.AllEvents[] = [
  // memory is corrupt: the handler would return to the instruction that raised the signal, again and again
  'SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP', 'SIGABRT',
  'uncaughtException', 'unhandledRejection'
]

export interface ServiceProcess {
  readonly log: Logger
  /** Since the start. */
  readonly droppedLines: () => number
  /** Prints lines to stdout, in order with the log lines. */
  readonly print: (lines: readonly string[]) => void
  /** Closes the service and ends the process on SIGTERM, SIGINT, SIGQUIT and SIGUSR2, and at a terminal on SIGHUP. */
  readonly stopOnSignal: (service: Service, closeLimit: number) => void
}

/** Opens the log, and handles all but the signals that stop the service. */
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
  // at the limit of `ulimit -f` the write fails too, which the queue handles; the signal would kill the process
  process.on('SIGXFSZ', () => {})
  // SIGHUP comes from a terminal that closes, or else from somebody who wants a reload, which needs no signal
  const attended = terminal || isatty(0)
  if (!attended) process.on('SIGHUP', signal => { log.info({ signal }, 'ignored a signal: users files and certificates are reloaded when they change') })
  return {
    log,
    droppedLines: () => stdout.dropped,
    print (lines) { stdout.write(joinLines(lines)) },
    stopOnSignal (service, closeLimit) {
      const onSecondSignal = (further: string): void => { log.error({ signal: further }, 'exiting immediately: received another signal while stopping') }
      closeWithGrace({ delay: closeLimit + FLUSH_LIMIT, logger: log, onSecondSignal, skip: attended ? NOT_GRACEFUL : [...NOT_GRACEFUL, 'SIGHUP'] }, async ({ signal }) => {
        log.info({ signal }, 'stopping')
        // no load balancer to wait for at a terminal
        await service.close({ immediately: signal === 'SIGINT' || signal === 'SIGHUP' })
        log.info('stopped')
        await flushed(log)
        if (signal === 'SIGHUP') endBy(signal)
      })
    }
  }
}

/** As if the signal had no handler: in an ordinary exit without its terminal, Node.js 20 crashes as it restores the terminal's settings. */
function endBy (signal: 'SIGHUP'): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}

/** Immediately and without a drain: after an unexpected error, no answer can be trusted. */
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
      // a third-party listener threw; listeners are not called again
      process.exit(ExitCode.internal)
    }
  }
  process.on('uncaughtException', error => { void end(error) })
  process.on('unhandledRejection', error => { void end(error) })
}

async function flushed (log: Logger): Promise<void> {
  await Promise.race([new Promise<void>(resolve => { log.flush(() => { resolve() }) }), sleep(FLUSH_LIMIT)])
}
