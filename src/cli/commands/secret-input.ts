/** Secrets that a person gives to a command: typed without echo, from stdin, or from a file; never an argument. */
import { randomBytes } from 'node:crypto'
import { CommandError } from '../command-error.js'
import type { Terminal } from '../terminal.js'

export type SecretKind = 'password' | 'token'

/** Asks twice on a terminal; takes all of stdin where there is none. */
export async function readNewSecret (terminal: Terminal, kind: SecretKind): Promise<string> {
  return terminal.interactive ? await promptTwice(terminal, kind) : withoutLineBreak(await terminal.readStdin())
}

/** Asks once: a secret that is known already. */
export async function readKnownSecret (terminal: Terminal, kind: SecretKind): Promise<string> {
  return terminal.interactive ? await terminal.prompt(`${capitalized(kind)}: `, { hidden: true }) : withoutLineBreak(await terminal.readStdin())
}

/**
 * @param instead what to use without a terminal, for the error
 * @throws CommandError without a terminal, or where the answers differ
 */
export async function promptTwice (terminal: Terminal, kind: SecretKind, instead = 'stdin'): Promise<string> {
  const secret = await terminal.prompt(`New ${kind}: `, { hidden: true, instead })
  const repeated = await terminal.prompt(`New ${kind}, once more: `, { hidden: true, instead })
  if (secret !== repeated) throw new CommandError(`the two ${kind}s differ; nothing was done`)
  return secret
}

/** What a file holds, without a line break at its end; `-` is stdin. */
export async function readSecretFile (terminal: Terminal, file: string): Promise<string> {
  return withoutLineBreak(await readTextOrStdin(terminal, file))
}

/** Any text file; `-` is stdin. */
export async function readTextOrStdin (terminal: Terminal, file: string): Promise<string> {
  if (file === '-') return await terminal.readStdin()
  const { readText } = await import('../../documents/text.js')
  const { MAX_USERS_BYTES } = await import('../../files/read.js')
  return await readText(file, { pipes: true, maxBytes: MAX_USERS_BYTES })
}

/** 144 bits, in characters that no shell, URL or YAML file treats in its own way. */
export function generatePassword (): string {
  return randomBytes(18).toString('base64url').replaceAll('-', 'A').replaceAll('_', 'z')
}

/** An Error that blames what was entered, as one that ends the command with exit code 2. */
export async function blamingInput<T> (work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError((error as Error).message, undefined, { cause: error })
  }
}

function withoutLineBreak (text: string): string {
  return text.replace(/\r?\n$/, '')
}

function capitalized (word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
