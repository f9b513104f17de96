/** How a command ends other than by success. */

/** Exit codes of the command line; the larger ones are those of sysexits.h. */
export const ExitCode = {
  /** Done, or authenticated. */
  done: 0,
  /** The answer is no. */
  no: 1,
  /** The command line, or a file that it names, is wrong. */
  usage: 2,
  /** Could not tell, or out of reach. */
  unavailable: 69,
  /** A bug of ours. */
  internal: 70,
  /** Ctrl-C at a prompt: 128 and the number of SIGINT, as shells write it. */
  interrupted: 130
} as const
export type ExitCode = typeof ExitCode[keyof typeof ExitCode]

/** Ends a command: the message for a person, and the exit code. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  constructor (message: string, readonly exitCode: ExitCode = ExitCode.usage, options?: ErrorOptions) {
    super(message, options)
  }
}

/** The exit code that an error ends a command with; `internal` for one that nobody expected. */
export function exitCodeOf (error: unknown): ExitCode {
  if (error instanceof CommandError) return error.exitCode
  return isExpected(error) ? ExitCode.usage : ExitCode.internal
}

/** An error of this project (a config, a provider, a certificate), or of a file system: "EACCES: permission denied, open '/etc/x'". */
function isExpected (error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('code' in error && String(error.code).startsWith('AUTHN_')) || ('syscall' in error && 'path' in error)
}
