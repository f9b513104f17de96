/** What can complete a command line, from the same commands and options as `--help`. */
import type { Argument, Command, Option } from 'commander'

export interface Completion {
  readonly candidates: ReadonlyArray<{ readonly word: string, readonly description: string }>
  /** The shell completes names of files or directories. */
  readonly paths?: 'files' | 'directories'
}

const NOTHING: Completion = { candidates: [] }

/** @param words what follows the program's name; the last one, perhaps empty, is to be completed */
export function complete (program: Command, words: readonly string[]): Completion {
  // bash splits --option=value into three words
  const typed = words.filter((word, index) => word !== '=' || index === words.length - 1)
  const current = typed.pop()?.replace(/^=$/, '') ?? ''
  let command = program
  let option: Option | undefined
  for (const word of typed) {
    const found: Option | undefined = option === undefined ? valueOption(command, word) : undefined
    if (option === undefined && found === undefined) command = subcommands(command).find(child => child.name() === word) ?? command
    option = found
  }
  const [, flag, value] = /^(--[\w-]+)=(.*)$/s.exec(current) ?? []
  if (option !== undefined) return valuesOf(placeholderOf(option), option.argChoices, current)
  if (flag !== undefined && value !== undefined) {
    const assigned = valueOption(command, flag)
    return assigned === undefined ? NOTHING : valuesOf(placeholderOf(assigned), assigned.argChoices, value, `${flag}=`)
  }
  if (current.startsWith('-')) return matching(current, optionsOf(command).flatMap(({ short, long, description }) => [short, long].filter(word => word !== undefined).map(word => ({ word, description }))))
  const children = subcommands(command)
  if (children.length > 0) return matching(current, children.map(child => ({ word: child.name(), description: child.description() })))
  const argument: Argument | undefined = command.registeredArguments[0]
  return argument === undefined ? NOTHING : valuesOf(argument.name(), argument.argChoices, current)
}

function subcommands (command: Command): readonly Command[] {
  return command.createHelp().visibleCommands(command)
}

function optionsOf (command: Command): readonly Option[] {
  return command.createHelp().visibleOptions(command)
}

function valueOption (command: Command, word: string): Option | undefined {
  return optionsOf(command).find(option => (word === option.short || word === option.long) && placeholderOf(option) !== undefined)
}

function placeholderOf ({ flags }: Option): string | undefined {
  return /[<[]([\w-]+)/.exec(flags)?.[1]
}

/** Of an option or argument; its placeholder tells files and directories. */
function valuesOf (placeholder: string | undefined, choices: readonly string[] | undefined, current: string, prefix = ''): Completion {
  if (choices !== undefined) return matching(prefix + current, choices.map(choice => ({ word: prefix + choice, description: '' })))
  if (placeholder === 'file') return { candidates: [], paths: 'files' }
  return placeholder === 'dir' ? { candidates: [], paths: 'directories' } : NOTHING
}

function matching (current: string, candidates: Completion['candidates']): Completion {
  return { candidates: candidates.filter(({ word }) => word.startsWith(current)) }
}
