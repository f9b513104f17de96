/** The revocations file of a command: that of the config, or of `--file`, which can be `-`. */
import { resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { sessionsOf } from '../../../config/sessions.js'
import { CommandError } from '../../command-error.js'
import { loadConfigFile, tokenTTLOf } from '../../sessions-config.js'
import type { Terminal } from '../../terminal.js'
import type { RevocationsEditor } from '../../../revocations-file/edit.js'
import { saveToStdout, STDIN } from '../edited-file.js'
import { addConfigOption } from '../options.js'

export interface RevocationsFileOptions {
  readonly config?: string
  readonly file?: string
}

export interface RevocationsFileSettings {
  /** A path, or `-`. */
  readonly file: string
  /** Longest lifetime of a session token, a duration. */
  readonly tokenTTL: string
  /** Of the usernames of all providers; unknown without a config. */
  readonly usernamePrefixes?: readonly string[]
}

export function addRevocationsFileOptions (command: Command): Command {
  return addConfigOption(command, 'config file with sessions.revocationsFile')
    .addOption(new Option('--file <file>', 'revocations file, instead of that of the config; -: from stdin to stdout').conflicts('config'))
}

/** @throws CommandError if the config names no revocations file; ValidationError if it has errors */
export async function findRevocationsFile ({ config: configFile, file }: RevocationsFileOptions, terminal: Terminal): Promise<RevocationsFileSettings> {
  if (file !== undefined) return { file: file === STDIN ? file : resolve(file), tokenTTL: tokenTTLOf(undefined) }
  const { config, file: loaded } = await loadConfigFile(configFile, terminal)
  const revocationsFile = sessionsOf(config)?.revocationsFile
  if (revocationsFile === undefined) throw new CommandError(`${loaded} names no sessions.revocationsFile: set it, and restart the service; or pass --file`)
  return { file: revocationsFile, tokenTTL: tokenTTLOf(config), usernamePrefixes: config.identityProviders.map(({ usernamePrefix = '' }) => usernamePrefix) }
}

/** @throws ValidationError with every error of the file */
export async function openEditor (terminal: Terminal, file: string, options: { readonly create?: boolean } = {}): Promise<RevocationsEditor> {
  const { openRevocationsEditor, RevocationsEditor } = await import('../../../revocations-file/edit.js')
  if (file !== STDIN) return await openRevocationsEditor(file, options)
  return new RevocationsEditor('stdin', await terminal.readStdin(), { save: saveToStdout(terminal, 'revocations file') })
}

/** In messages. */
export function nameOf (file: string): string {
  return file === STDIN ? 'the revocations file' : file
}
