/** `authn-webhook users`: changes the users file of the static provider, and shows who is in it. */
import { Command } from 'commander'
import type { Terminal } from '../terminal.js'
import { addCommand } from './users/add.js'
import { addTokenCommand, removeTokenCommand, setPasswordCommand } from './users/credentials.js'
import { editCommand } from './users/edit.js'
import { importCommand } from './users/import.js'
import { listCommand } from './users/list.js'
import { disableCommand, enableCommand, removeCommand } from './users/state.js'
import { addSynonyms } from './users/synonyms.js'

const commands = [
  addCommand,
  listCommand,
  editCommand,
  setPasswordCommand,
  addTokenCommand,
  removeTokenCommand,
  disableCommand,
  enableCommand,
  removeCommand,
  importCommand
]

export function usersCommand (terminal: Terminal): Command {
  const users = new Command('users')
    .description('change the users file, or list who is in it')
    .addHelpText('after', `
Only the entries that change are written; comments and every other line stay.
A file with errors is not touched. A server that runs reads the new file by itself.

Examples:
  $ authn-webhook users add alice --group developers --password
  $ authn-webhook users edit alice --add-group on-call
  $ authn-webhook users add-token alice laptop --expires 90d
  $ authn-webhook users list --users-file /etc/authn-webhook/users.yaml
  $ authn-webhook users disable alice`)
  for (const command of commands) users.addCommand(command(terminal))
  addSynonyms(users)
  return users
}
