/** The revocations file of a command: that of the config, or of `--file`. */
import { resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { sessionsOf } from '../../../config/sessions.js'
import { CommandError } from '../../command-error.js'
import { loadConfigFile, tokenTTLOf } from '../../sessions-config.js'
import type { Terminal } from '../../terminal.js'
import { addConfigOption } from '../options.js'

export interface RevocationsFileOptions {
  readonly config?: string
  readonly file?: string
}

export interface RevocationsFileSettings {
  readonly file: string
  /** Longest lifetime of a session token, a duration. */
  readonly tokenTTL: string
  /** Of the usernames of all providers; unknown without a config. */
  readonly usernamePrefixes?: readonly string[]
}

export function addRevocationsFileOptions (command: Command): Command {
  return addConfigOption(command, 'config file with sessions.revocationsFile')
    .addOption(new Option('--file <file>', 'revocations file, instead of that of the config').conflicts('config'))
}

/** @throws CommandError if the config names no revocations file; ValidationError if it has errors */
export async function findRevocationsFile ({ config: configFile, file }: RevocationsFileOptions, terminal: Terminal): Promise<RevocationsFileSettings> {
  if (file !== undefined) return { file: resolve(file), tokenTTL: tokenTTLOf(undefined) }
  const { config, file: loaded } = await loadConfigFile(configFile, terminal)
  const revocationsFile = sessionsOf(config)?.revocationsFile
  if (revocationsFile === undefined) throw new CommandError(`${loaded} names no sessions.revocationsFile: set it, and restart the service; or pass --file`)
  return { file: revocationsFile, tokenTTL: tokenTTLOf(config), usernamePrefixes: config.identityProviders.map(({ usernamePrefix = '' }) => usernamePrefix) }
}
