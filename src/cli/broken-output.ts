/**
 * How a command ends, and what happens when stdout or stderr can't be written: a command ends, since
 * nobody gets its result; a service goes on, since its reviews don't depend on it.
 */
import { ExitCode } from './command-error.js'

export function endOnBrokenOutput (): void {
  process.stdout.on('error', end)
  // there is nowhere left to report it
  process.stderr.on('error', ignore)
}

export function surviveBrokenOutput (): void {
  process.stdout.off('error', end).on('error', ignore)
}

/** Ends the process with its exit code once all that was printed is written, whatever else is still open. */
export async function endProcess (): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength > 0) await new Promise<void>(resolve => { stream.write('', () => { resolve() }) })
  }
  // an error of the last write is not reported before
  await new Promise(resolve => { setImmediate(resolve) })
  return process.exit()
}

function end (error: NodeJS.ErrnoException): void {
  // `| head` has read enough: nothing to complain about
  if (error.code === 'EPIPE') process.exit()
  process.stderr.write(`error: cannot write to stdout: ${error.message}\n`)
  process.exit(ExitCode.unavailable)
}

function ignore (): void {}
