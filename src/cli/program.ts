/** From argv to a command and its exit code. */
import { Command, CommanderError } from 'commander'
import { CommandError, ExitCode, exitCodeOf } from './command-error.js'
import { ValidationError, linesOf, messageOf } from '../errors.js'
import { escapeLines } from '../printable.js'
import type { Terminal } from './terminal.js'
import { version } from '../version.js'

export interface ProgramOptions {
  /** As users type it. */
  readonly name: string
  readonly description: string
  /** Without the name of the program. */
  readonly examples: readonly string[]
  readonly commands: ReadonlyArray<(terminal: Terminal) => Command>
  readonly hidden?: ReadonlyArray<(terminal: Terminal) => Command>
}

export function createProgram ({ name, description, examples, commands, hidden = [] }: ProgramOptions, terminal: Terminal): Command {
  const program = new Command(name)
    .description(description)
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .version(version, '--version', 'print the version')
    .allowExcessArguments(false)
    // `login` and its subcommands have options of the same names
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: text => { terminal.write(text) },
      writeErr: text => { terminal.stderr.write(text) },
      // the error quotes the argument: `--password=…` may be a secret
      outputError: (text, write) => { write(escapeLines(text.replace(/^(error: unknown option '--[\w-]+=).*'/s, "$1…'"))) }
    })
    .addHelpText('after', `\nExamples:\n${examples.map(example => `  $ ${name} ${example}`).join('\n')}`)
  for (const command of commands) program.addCommand(command(terminal))
  for (const command of hidden) program.addCommand(command(terminal), { hidden: true })
  inheritSettings(program)
  return program
}

/** `addCommand` keeps commander's default settings, by which the command would exit by itself, with 1. */
function inheritSettings (parent: Command): void {
  for (const command of parent.commands) {
    command.copyInheritedSettings(parent)
    inheritSettings(command)
  }
}

export async function runProgram (options: ProgramOptions, argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const program = createProgram(options, terminal)
  try {
    const command = commandToHelp(program, argv)
    if (command !== undefined) command.outputHelp()
    else await program.parseAsync(argv, { from: 'user' })
    return ExitCode.done
  } catch (error) {
    if (isTypedPassword(error, argv)) terminal.note('--password takes no value, it prompts for the password; other users of this machine may have seen the one you typed: choose another, or use --password-file FILE')
    return reportError(error, terminal)
  }
}

/**
 * The command whose help is printed: `users` for `users` without a subcommand, and
 * `users add` for `help users add`, as in kubectl. In commander, the first is an
 * error and the second prints the help of `users`.
 */
function commandToHelp (program: Command, argv: readonly string[]): Command | undefined {
  const asked = argv[0] === 'help'
  const words = asked ? argv.slice(1).filter((word) => !word.startsWith('-')) : argv
  const command = words.reduce<Command | undefined>(childOf, program)
  if (asked && command === undefined) throw new CommandError(`there is no such command; "${program.name()} help" lists all`)
  return asked || (command !== undefined && command.commands.length > 0 && (command === program || !actsByItself(command))) ? command : undefined
}

/** `login` signs in, and has a subcommand. */
function actsByItself (command: Command): boolean {
  return command.options.length > 0
}

/** Unless it is hidden. */
function childOf (parent: Command | undefined, name: string): Command | undefined {
  return parent?.createHelp().visibleCommands(parent).find((command) => command.name() === name)
}

/** `users add alice --password secret`: commander only reports an excess argument. */
function isTypedPassword (error: unknown, argv: readonly string[]): boolean {
  if (!(error instanceof CommanderError)) return false
  const { code } = error
  return (code === 'commander.excessArguments' && argv.includes('--password')) || (code === 'commander.unknownOption' && argv.some((argument) => argument.startsWith('--password=')))
}

/** Prints the error, and returns the exit code. */
function reportError (error: unknown, { note, env }: Terminal): ExitCode {
  const debug = (env['AUTHN_WEBHOOK_DEBUG'] ?? '') !== ''
  // commander has printed it
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.done : ExitCode.usage
  if (debug) note(stacks(error).split('\n'))
  const exitCode = exitCodeOf(error)
  if (exitCode !== ExitCode.internal) {
    if (exitCode !== ExitCode.interrupted) note(error instanceof ValidationError ? linesOf(error) : errorLines(error as Error))
    return exitCode
  }
  note(`internal error: ${messageOf(error)}`)
  note(`This is a bug of authn-webhook ${version}${debug ? '' : '; please report it with what AUTHN_WEBHOOK_DEBUG=1 prints'}.`)
  return ExitCode.internal
}

function errorLines (error: Error): string[] {
  const [first, ...others] = linesOf(error)
  return [`error: ${first}`, ...others]
}

function stacks (error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const stack = error.stack ?? error.message
  return error.cause === undefined ? stack : `${stack}\ncaused by: ${stacks(error.cause)}`
}
