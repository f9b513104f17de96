/**
 * The streams and the environment of a command. Results go to stdout and messages
 * to stderr, so that a pipe carries only results. Output consists of lines: a
 * value in one can neither start another line nor control the terminal.
 */
import { isUtf8 } from 'node:buffer'
import { Option } from 'commander'
import { CommandError } from './command-error.js'
import { MAX_USERS_BYTES } from '../files/read.js'
import { escapeJson, escapeLine } from '../printable.js'

export type Input = NodeJS.ReadableStream & { readonly isTTY?: boolean | undefined }
export type Output = NodeJS.WritableStream & { readonly isTTY?: boolean | undefined }

export interface PromptOptions {
  /** Echo nothing: for passwords. */
  readonly hidden?: boolean
  /** The alternative if there is no terminal, for the error: `--password-file FILE, or - for stdin`. */
  readonly instead?: string
  /** Ends the prompt with its reason. */
  readonly signal?: AbortSignal
}

export interface TerminalStreams {
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
  readonly env: NodeJS.ProcessEnv
}

export interface Terminal extends TerminalStreams {
  /** Whether stdout is a terminal without NO_COLOR (https://no-color.org). */
  readonly colour: boolean
  /** Whether the user can be prompted. */
  readonly interactive: boolean
  /** A result, to stdout. */
  print: (lines: string | readonly string[]) => void
  /** A message, to stderr. */
  note: (lines: string | readonly string[]) => void
  /** A file, to stdout, byte for byte. */
  write: (text: string) => void
  /**
   * One line typed on the terminal, without its newline.
   * @throws CommandError without a terminal; with exit code 130 after Ctrl-C
   */
  prompt: (question: string, options?: PromptOptions) => Promise<string>
  /**
   * All of stdin, unchanged.
   * @throws CommandError if it is larger than any file that a command accepts
   */
  readStdin: () => Promise<string>
}

export function openTerminal ({ stdin, stdout, stderr, env }: TerminalStreams = process): Terminal {
  const interactive = stdin.isTTY === true && stderr.isTTY === true
  return {
    stdin,
    stdout,
    stderr,
    env,
    colour: stdout.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb',
    interactive,
    print (lines) { stdout.write(joinLines(lines)) },
    note (lines) { stderr.write(joinLines(lines)) },
    write (text) { stdout.write(text) },
    async prompt (question, { hidden = false, instead = 'a file or stdin', signal } = {}) {
      if (!interactive) throw new CommandError(`no terminal to prompt on; use ${instead}`)
      const { ask } = await import('./prompt.js')
      return await ask(stdin, stderr, escapeLine(question), { hidden, signal })
    },
    async readStdin () {
      if (interactive) stderr.write('Reading from the terminal; end with Ctrl-D.\n')
      return await readAll(stdin)
    }
  }
}

async function readAll (stdin: Input): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk)
    length += bytes.length
    if (length > MAX_USERS_BYTES) throw new CommandError(`stdin has more than ${MAX_USERS_BYTES / 1024 / 1024} MiB`)
    chunks.push(bytes)
  }
  const bytes = Buffer.concat(chunks)
  // an invalid byte would become the same character as any other: so would passwords that differ in it
  if (!isUtf8(bytes)) throw new CommandError('stdin is not UTF-8 text')
  return new TextDecoder().decode(bytes)
}

/** Ends each line, and escapes what a terminal would interpret. */
export function joinLines (lines: string | readonly string[]): string {
  return [lines].flat().map((line) => `${escapeLine(line)}\n`).join('')
}

export type OutputFormat = 'text' | 'json' | 'yaml'

export const outputOption = new Option('-o, --output <format>', 'print the result as json or yaml').choices(['json', 'yaml']).default('text')

/** Prints `lines`, or `value` as JSON or YAML. */
export async function printResult (terminal: Terminal, format: OutputFormat, value: unknown, lines: () => string | readonly string[]): Promise<void> {
  switch (format) {
    case 'json': return terminal.print(linesOfText(escapeJson(JSON.stringify(value, null, 2))))
    case 'yaml': return terminal.print(linesOfText((await import('../printable-yaml.js')).formatYaml(value)))
    case 'text': return terminal.print(lines())
  }
}

/** Of a text in which every value is already escaped. */
export function linesOfText (text: string): string[] {
  return text.replace(/\n$/, '').split('\n')
}
