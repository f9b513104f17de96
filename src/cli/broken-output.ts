/**
 * Errors of stdout and stderr, and the end of the process. A command that can't
 * write its result fails; a service keeps running without its log.
 */
import { ExitCode } from './command-error.js'

export function endOnBrokenOutput (): void {
  process.stdout.on('error', end)
  // nowhere left to report it
  process.stderr.on('error', ignore)
}

export function surviveBrokenOutput (): void {
  process.stdout.off('error', end).on('error', ignore)
}

/** Ends the process with its exit code once all output is written, even if timers or sockets are still open. */
export async function endProcess (): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength > 0) await new Promise<void>(resolve => { stream.write('', () => { resolve() }) })
  }
  // an error of the last write is reported after it
  await new Promise(resolve => { setImmediate(resolve) })
  return process.exit()
}

function end (error: NodeJS.ErrnoException): void {
  // the reader has closed the pipe, as `head` does
  if (error.code === 'EPIPE') process.exit()
  process.stderr.write(`error: cannot write to stdout: ${error.message}\n`)
  process.exit(ExitCode.unavailable)
}

function ignore (): void {}
