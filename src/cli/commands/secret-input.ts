/** Secrets entered by a person: typed without echo, or from stdin or a file; never an argument. */
import { randomBytes } from 'node:crypto'
import { messageOf } from '../../errors.js'
import { MAX_USERS_BYTES } from '../../files/read.js'
import { CommandError } from '../command-error.js'
import type { Terminal } from '../terminal.js'

export type SecretKind = 'password' | 'token'

/** Prompts twice on a terminal; otherwise reads all of stdin. */
export async function readNewSecret (terminal: Terminal, kind: SecretKind): Promise<string> {
  return terminal.interactive ? await promptTwice(terminal, kind) : await readSecretFile(terminal, '-')
}

/** Prompts once on a terminal; otherwise reads all of stdin. */
export async function readPassword (terminal: Terminal): Promise<string> {
  return terminal.interactive ? await terminal.prompt('Password: ', { hidden: true }) : await readSecretFile(terminal, '-')
}

/**
 * @param instead what to use without a terminal, for the error
 * @throws CommandError without a terminal, or if the two inputs differ
 */
export async function promptTwice (terminal: Terminal, kind: SecretKind, instead = 'stdin'): Promise<string> {
  const secret = await terminal.prompt(`New ${kind}: `, { hidden: true, instead })
  const repeated = await terminal.prompt(`New ${kind}, once more: `, { hidden: true, instead })
  if (secret !== repeated) throw new CommandError(`the two ${kind}s differ; nothing was done`)
  return secret
}

/** The contents of a file (`-` is stdin) without a final line break. */
export async function readSecretFile (terminal: Terminal, file: string): Promise<string> {
  return (await readTextOrStdin(terminal, file)).replace(/\r?\n$/, '')
}

/**
 * A token from a file (`-` is stdin) or a prompt, without surrounding white space.
 * @throws CommandError if nothing is left
 */
export async function readToken (terminal: Terminal, file?: string): Promise<string> {
  const text = file === undefined
    ? await terminal.prompt('Token: ', { hidden: true, instead: '--token-file FILE, or - for stdin' })
    : await readTextOrStdin(terminal, file)
  const token = text.trim()
  if (token === '') throw new CommandError('the token is empty')
  return token
}

/** Any text file; `-` is stdin. */
export async function readTextOrStdin (terminal: Terminal, file: string): Promise<string> {
  if (file === '-') return await terminal.readStdin()
  const { readText } = await import('../../documents/text.js')
  return await readText(file, { pipes: true, maxBytes: MAX_USERS_BYTES })
}

/** 144 bits, in characters that have no meaning in shells, URLs and YAML. */
export function generatePassword (): string {
  return randomBytes(18).toString('base64url').replaceAll('-', 'A').replaceAll('_', 'z')
}

/** Turns any error of `work` into one of the input, which ends the command with exit code 2. */
export async function asInputError<T> (work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(messageOf(error), undefined, { cause: error })
  }
}
