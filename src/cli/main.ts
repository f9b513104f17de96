#!/usr/bin/env node
/**
 * From argv to a command and its exit code. Commands import large modules inside
 * their actions, to start fast.
 */
import { Command, CommanderError } from 'commander'
import { endOnBrokenOutput, endProcess } from './broken-output.js'
import { certsCommand } from './commands/certs.js'
import { completeCommand, completionCommand } from './commands/completion.js'
import { doctorCommand } from './commands/doctor.js'
import { hashCommand } from './commands/hash.js'
import { keysCommand } from './commands/keys.js'
import { loginCommand } from './commands/login.js'
import { reviewCommand } from './commands/review.js'
import { serveCommand } from './commands/serve.js'
import { sessionsCommand } from './commands/sessions.js'
import { tokenCommand } from './commands/token.js'
import { usersCommand } from './commands/users.js'
import { validateCommand } from './commands/validate.js'
import { versionCommand } from './commands/version.js'
import { webhookConfigCommand } from './commands/webhook-config.js'
import { CommandError, ExitCode, exitCodeOf } from './command-error.js'
import { ValidationError, linesOf, messageOf } from '../errors.js'
import { escapeLines } from '../printable.js'
import { openTerminal, type Terminal } from './terminal.js'
import { version } from '../version.js'

const commands = [
  serveCommand, validateCommand, reviewCommand, doctorCommand, usersCommand, hashCommand, tokenCommand,
  certsCommand, keysCommand, sessionsCommand, loginCommand, webhookConfigCommand, versionCommand, completionCommand
]

function createProgram (terminal: Terminal): Command {
  const program = new Command('authn-webhook')
    .description('Webhook token authentication for Kubernetes.')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .version(version, '--version', 'print the version')
    .allowExcessArguments(false)
    // `login` and its subcommands have options of the same names
    .enablePositionalOptions()
    .exitOverride()
    // the error quotes the argument: `--password=…` may be a secret
    .configureOutput({ outputError: (text, write) => { write(escapeLines(text.replace(/^(error: unknown option '--[\w-]+=).*'/s, "$1…'"))) } })
    .addHelpText('after', `
Examples:
  $ authn-webhook serve --demo
  $ authn-webhook help users`)
  for (const command of commands) program.addCommand(command(terminal))
  program.addCommand(completeCommand(terminal), { hidden: true })
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

async function run (argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const program = createProgram(terminal)
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
  if (asked && command === undefined) throw new CommandError('there is no such command; "authn-webhook help" lists all')
  return asked || (command?.commands.length ?? 0) > 0 ? command : undefined
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

endOnBrokenOutput()

const argv = process.argv.slice(2)
const code = await run(argv, openTerminal())
// commands such as `review` set it themselves
if (code !== ExitCode.done) process.exitCode = code
// third-party providers may leave timers or sockets open; `serve` ends by itself
if (code !== ExitCode.done || argv[0] !== 'serve') await endProcess()
