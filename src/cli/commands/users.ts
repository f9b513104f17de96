/** `authn-webhook users`: changes or lists the users file of the static provider. */
import { Command } from 'commander'
import { CommandError } from '../command-error.js'
import type { Terminal } from '../terminal.js'
import { addCommand } from './users/add.js'
import { addTokenCommand, removeTokenCommand, setPasswordCommand } from './users/credentials.js'
import { editCommand } from './users/edit.js'
import { importCommand } from './users/import.js'
import { listCommand } from './users/list.js'
import { disableCommand, enableCommand, removeCommand } from './users/state.js'

const commands = [
  addCommand, listCommand, editCommand, setPasswordCommand, addTokenCommand, removeTokenCommand,
  disableCommand, enableCommand, removeCommand, importCommand
]

/** Names that the commands have in other programs: not run, but answered with the right name. */
const SYNONYMS: Readonly<Record<string, string>> = {
  create: 'add',
  new: 'add',
  delete: 'remove',
  del: 'remove',
  rm: 'remove',
  update: 'edit',
  modify: 'edit',
  set: 'edit',
  passwd: 'set-password',
  password: 'set-password',
  revoke: 'remove-token',
  lock: 'disable',
  unlock: 'enable',
  show: 'list',
  ls: 'list'
}

export function usersCommand (terminal: Terminal): Command {
  const users = new Command('users')
    .description('change or list the users in the users file')
    .addHelpText('after', `
Only changed entries are rewritten; comments and all other lines stay. A file with
errors is not changed. A running service reloads the file.

Examples:
  $ authn-webhook users add alice --group developers --password
  $ authn-webhook users edit alice --add-group on-call
  $ authn-webhook users add-token alice laptop --expires 90d
  $ authn-webhook users list --users-file /etc/authn-webhook/users.yaml
  $ authn-webhook users disable alice`)
  for (const command of commands) users.addCommand(command(terminal))
  for (const [synonym, name] of Object.entries(SYNONYMS)) {
    const command = new Command(synonym)
      .argument('[arguments...]')
      .allowUnknownOption()
      .helpOption(false)
      .action(() => { throw new CommandError(`there is no "users ${synonym}"; use "users ${name}"`) })
    users.addCommand(command, { hidden: true })
  }
  return users
}
