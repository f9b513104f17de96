/**
 * The commands as the Tab key sees them, from the same tree that `--help`
 * prints: what help shows is what completes.
 */
import type { Argument, Command, Option } from 'commander'

/** What may follow: one of some words, a file, a directory, or what only the user knows. */
export type Value = { readonly words: readonly string[] } | 'file' | 'directory' | 'any'

export interface CompletionOption {
  readonly names: readonly string[]
  readonly description: string
  /** Absent: a switch. */
  readonly value: Value | undefined
  readonly repeatable: boolean
}

/** One command. */
export interface CompletionNode {
  /** Below the program: `[]`, `['users']`, `['users', 'add']`. */
  readonly path: readonly string[]
  readonly commands: ReadonlyArray<{ name: string, description: string }>
  readonly options: readonly CompletionOption[]
  /** Of the first argument. */
  readonly argument: Value | undefined
}

/** `command` and everything below it, itself first. */
export function completionTree (command: Command, path: readonly string[] = []): CompletionNode[] {
  const help = command.createHelp()
  const commands = help.visibleCommands(command)
  const node: CompletionNode = {
    path,
    commands: commands.map((child) => ({ name: child.name(), description: child.summary() || child.description() })),
    options: help.visibleOptions(command).map(optionOf),
    argument: command.registeredArguments.map(argumentValue)[0]
  }
  return [node, ...commands.flatMap((child) => completionTree(child, [...path, child.name()]))]
}

function optionOf (option: Option): CompletionOption {
  const placeholder = /[<[]([\w-]+)/.exec(option.flags)?.[1]
  return {
    names: [option.short, option.long].filter((name) => name !== undefined),
    description: option.description,
    value: placeholder === undefined ? undefined : valueOf(placeholder, option.argChoices),
    repeatable: option.variadic || Array.isArray(option.defaultValue)
  }
}

function argumentValue (argument: Argument): Value {
  return valueOf(argument.name(), argument.argChoices)
}

function valueOf (placeholder: string, choices: readonly string[] | undefined): Value {
  if (choices !== undefined) return { words: choices }
  if (['file', 'path'].includes(placeholder)) return 'file'
  return ['dir', 'directory'].includes(placeholder) ? 'directory' : 'any'
}

/** `users add` → `_authn_webhook_users_add` */
export function functionName (program: string, path: readonly string[]): string {
  return ['', program, ...path].join('_').replace(/-/g, '_')
}

/** For any of the three shells. */
export function quote (text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
