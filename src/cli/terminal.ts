/**
 * What a command sees of the outside: three streams and the environment.
 * Results go to stdout, words for people to stderr, so that a pipe carries
 * results alone. What is printed is a list of lines: whatever stands in one
 * stays in it, and can neither begin another nor steer the terminal.
 */
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { Option } from 'commander'
import { CommandError, ExitCode } from './command-error.js'
import { MAX_USERS_BYTES } from '../files/read.js'
import { escapeJson, escapeLine, formatYaml } from '../printable.js'

/** A stream that may be a terminal. */
type Input = NodeJS.ReadableStream & { readonly isTTY?: boolean | undefined }
type Output = NodeJS.WritableStream & { readonly isTTY?: boolean | undefined }

export interface PromptOptions {
  /** Echo nothing: for passwords. */
  readonly hidden?: boolean
  /** What to use where there is no terminal, for the error: `--password-file FILE, or - for stdin`. */
  readonly instead?: string
}

export interface Terminal {
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
  readonly env: NodeJS.ProcessEnv
  /** Colours are welcome on stdout: a terminal, and no NO_COLOR (https://no-color.org). */
  readonly colour: boolean
  /** Somebody reads stderr and can answer on stdin. */
  readonly interactive: boolean
  /** A result, to stdout: one line, or several. */
  print: (lines: string | readonly string[]) => void
  /** Words for people, to stderr: one line, or several. */
  note: (lines: string | readonly string[]) => void
  /** A file of somebody's own or of ours, to stdout, byte for byte. */
  write: (text: string) => void
  /**
   * One line typed on the terminal, without its newline.
   * @throws CommandError without a terminal; with exit code 130 after Ctrl-C
   */
  prompt: (question: string, options?: PromptOptions) => Promise<string>
  /**
   * Everything on stdin, as it is.
   * @throws CommandError where it is larger than any file that a command takes
   */
  readStdin: () => Promise<string>
}

export interface TerminalStreams {
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
  readonly env: NodeJS.ProcessEnv
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
    async prompt (question, { hidden = false, instead = 'a file or stdin' } = {}) {
      if (!interactive) throw new CommandError(`there is no terminal to ask on; use ${instead}`)
      return await ask(stdin, stderr, escapeLine(question), hidden)
    },
    async readStdin () {
      if (interactive) stderr.write('Reading from the terminal; end with Ctrl-D.\n')
      return await readAll(stdin)
    }
  }
}

/**
 * readline puts the terminal into raw mode, where it echoes nothing, and does
 * the echo itself: to `stderr`, or, for a hidden question, to nowhere.
 */
async function ask (stdin: Input, stderr: Output, question: string, hidden: boolean): Promise<string> {
  const output = hidden ? new Writable({ write (_chunk, _encoding, done) { done() } }) : stderr
  const line = createInterface({ input: stdin, output, terminal: true, historySize: 0 })
  // not before raw mode: an answer that comes at once would be echoed
  if (hidden) stderr.write(question)
  try {
    return await new Promise((resolve, reject) => {
      line.once('SIGINT', () => { reject(new CommandError('interrupted', ExitCode.interrupted)) })
      // Ctrl-D, or the terminal went away; after an answer this comes too late to matter
      line.once('close', () => { reject(new CommandError('nothing was entered')) })
      line.question(hidden ? '' : question, resolve)
    })
  } finally {
    line.close()
    // the newline that was typed was not echoed, nor is one after ^C
    stderr.write('\n')
  }
}

async function readAll (stdin: Input): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk)
    length += bytes.length
    if (length > MAX_USERS_BYTES) throw new CommandError(`stdin holds more than ${MAX_USERS_BYTES / 1024 / 1024} MiB`)
    chunks.push(bytes)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}

/** Each line with its end, and nothing in it that a terminal would obey. */
export function joinLines (lines: string | readonly string[]): string {
  return [lines].flat().map((line) => `${escapeLine(line)}\n`).join('')
}

export type OutputFormat = 'text' | 'json' | 'yaml'

/** `-o json|yaml`, for every command that has a result; `text` without it. */
export const outputOption = new Option('-o, --output <format>', 'print the result as json or yaml').choices(['json', 'yaml']).default('text', 'text for people')

/** Prints a result: lines for people, or `value` for programs. */
export function printResult (terminal: Terminal, format: OutputFormat, value: unknown, lines: () => string | readonly string[]): void {
  switch (format) {
    case 'json': return terminal.print(linesOfText(escapeJson(JSON.stringify(value, null, 2))))
    case 'yaml': return terminal.print(linesOfText(formatYaml(value)))
    case 'text': return terminal.print(lines())
  }
}

/** Of a text that we have made as a whole, and in which every value is escaped already. */
export function linesOfText (text: string): string[] {
  return text.replace(/\n$/, '').split('\n')
}
