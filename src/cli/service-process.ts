/** The service's process: its log on stdout, its signals, and its end. Nothing here waits for the reader of the log. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isatty } from 'node:tty'
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

type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGUSR2' | 'SIGHUP'

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
  const [{ createLogger }, { OutputQueue }] = await Promise.all([import('../logger.js'), import('../output-queue.js')])
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
      let stopping = false
      async function stop (signal: StopSignal): Promise<void> {
        if (stopping) {
          log.error({ signal }, 'exiting immediately: received another signal while stopping')
          return await exit(1)
        }
        stopping = true
        log.info({ signal }, 'stopping')
        // no load balancer to wait for at a terminal
        const closed = service.close({ immediately: signal === 'SIGINT' || signal === 'SIGHUP' }).then(() => true)
        if (!await Promise.race([closed, sleep(closeLimit, false)])) {
          log.error({ limit: closeLimit }, 'exiting: the service did not stop in time')
          return await exit(1)
        }
        log.info('stopped')
        if (signal === 'SIGHUP') return await endBy(signal)
        await exit(0)
      }
      const signals: StopSignal[] = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGUSR2']
      for (const signal of attended ? [...signals, 'SIGHUP'] as const : signals) process.on(signal, () => { void stop(signal) })
    }
  }

  /** Not before what was logged is written: at `process.exit` a write may be in another thread. */
  async function exit (code: number): Promise<void> {
    await flushed(log)
    process.exit(code)
  }

  /** As if the signal had no handler: in an ordinary exit without its terminal, Node.js 20 crashes as it restores the terminal's settings. */
  async function endBy (signal: 'SIGHUP'): Promise<void> {
    await flushed(log)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  }
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
