/** `authn-webhook keys`: creates, lists and retires the keys that sign session tokens. */
import { Command } from 'commander'
import type { Terminal } from '../terminal.js'
import { addKeyCommand } from './keys/add.js'
import { listKeysCommand } from './keys/list.js'
import { retireKeyCommand } from './keys/retire.js'

export function keysCommand (terminal: Terminal): Command {
  const keys = new Command('keys')
    .description('create, list or retire the keys that sign session tokens')
    .addHelpText('after', `
A key is a pair of files: NAME.key is for the sign-in service only, NAME.crt for
every process that reviews tokens. To rotate keys, add one, publish it, let it sign,
and retire the old one when its last token has expired.

Examples:
  $ authn-webhook keys add --dir keys
  $ authn-webhook keys list --dir keys
  $ authn-webhook keys retire 2026-11-26 --dir keys`)
  for (const command of [addKeyCommand, listKeysCommand, retireKeyCommand]) keys.addCommand(command(terminal))
  return keys
}
