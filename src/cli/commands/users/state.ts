/** `authn-webhook users disable`, `enable` and `remove` */
import { Command } from 'commander'
import type { Terminal } from '../../terminal.js'
import { findUser, usernameArgument, usersFileOption, type UsersFileOptions } from './options.js'
import { changeUsersFile, nameOf } from './users-file.js'

export function disableCommand (terminal: Terminal): Command {
  return createStateCommand(terminal, 'disable', true)
    .description('refuse a user, whatever the credential')
    .addHelpText('after', `
The entry stays, with its credentials. The API server may remember an earlier
answer for as long as its cache says (--authentication-token-webhook-cache-ttl).

Examples:
  $ authn-webhook users disable alice`)
}

export function enableCommand (terminal: Terminal): Command {
  return createStateCommand(terminal, 'enable', false)
    .description('accept a disabled user again')
    .addHelpText('after', `
Examples:
  $ authn-webhook users enable alice`)
}

function createStateCommand (terminal: Terminal, verb: 'enable' | 'disable', disabled: boolean): Command {
  return new Command(verb)
    .addArgument(usernameArgument)
    .addOption(usersFileOption)
    .action(async (username: string, { usersFile }: UsersFileOptions) => {
      const before = await changeUsersFile(terminal, usersFile, (editor) => {
        const user = findUser(editor.users, username, usersFile)
        if (user.disabled !== disabled) editor.set(username, 'disabled', disabled)
        return user.disabled
      })
      terminal.note(`${JSON.stringify(username)} ${before === disabled ? `is ${verb}d already` : `${verb}d in ${nameOf(usersFile)}`}`)
    })
}

export function removeCommand (terminal: Terminal): Command {
  return new Command('remove')
    .description('remove a user with every credential')
    .addArgument(usernameArgument)
    .addOption(usersFileOption)
    .addHelpText('after', `
To keep the name from being given to somebody else, disable the user instead.

Examples:
  $ authn-webhook users remove alice`)
    .action(async (username: string, { usersFile }: UsersFileOptions) => {
      await changeUsersFile(terminal, usersFile, (editor) => {
        findUser(editor.users, username, usersFile)
        editor.remove(username)
      })
      terminal.note(`${JSON.stringify(username)} removed from ${nameOf(usersFile)}`)
    })
}
