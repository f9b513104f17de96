import { SignInError, type SignInFailure } from '../credential-plugin/sign-in-error.js'

/** Exit codes of the command line; the larger ones are those of sysexits.h. */
export const ExitCode = {
  /** Done, or authenticated. */
  done: 0,
  /** Not authenticated, not signed in, or a check failed. */
  no: 1,
  /** An error in the command line, or in a file that it names. */
  usage: 2,
  /** Unavailable or unreachable. */
  unavailable: 69,
  /** A bug in authn-webhook. */
  internal: 70,
  /** Ctrl-C at a prompt: 128 plus the number of SIGINT, as in shells. */
  interrupted: 130
} as const
export type ExitCode = typeof ExitCode[keyof typeof ExitCode]

/** Ends a command with a message and an exit code. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  constructor (message: string, readonly exitCode: ExitCode = ExitCode.usage, options?: ErrorOptions) {
    super(message, options)
  }
}

/** `internal` for an error that nobody expected. */
export function exitCodeOf (error: unknown): ExitCode {
  if (error instanceof CommandError) return error.exitCode
  if (error instanceof SignInError) return SIGN_IN[error.failure]
  return isExpected(error) ? ExitCode.usage : ExitCode.internal
}

const SIGN_IN: Readonly<Record<SignInFailure, ExitCode>> = {
  invalid: ExitCode.usage,
  'not-signed-in': ExitCode.no,
  unavailable: ExitCode.unavailable
}

/** An error of this project (a config, a provider, a certificate), or of a file system: "EACCES: permission denied, open '/etc/x'". */
function isExpected (error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('code' in error && String(error.code).startsWith('AUTHN_')) || ('syscall' in error && 'path' in error)
}
