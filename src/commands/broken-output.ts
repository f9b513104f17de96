/**
 * What happens when stdout or stderr can't be written: a command ends, since
 * nobody gets its result; a service goes on, since its reviews don't depend on it.
 */
import { ExitCode } from '../errors.js'

export function endOnBrokenOutput (): void {
  process.stdout.on('error', end)
  // there is nowhere left to report it
  process.stderr.on('error', ignore)
}

export function surviveBrokenOutput (): void {
  process.stdout.off('error', end).on('error', ignore)
}

function end (error: NodeJS.ErrnoException): void {
  // `| head` has read enough: nothing to complain about
  if (error.code === 'EPIPE') process.exit()
  process.stderr.write(`error: cannot write to stdout: ${error.message}\n`)
  process.exit(ExitCode.unavailable)
}

function ignore (): void {}
