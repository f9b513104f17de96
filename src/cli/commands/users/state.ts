/** `authn-webhook users disable`, `enable` and `remove` */
import { Command } from 'commander'
import type { Terminal } from '../../terminal.js'
import { findUser, usernameArgument, usersFileOption, type UsersFileOptions } from './options.js'
import { changeUsersFile, nameOf } from './users-file.js'

export function disableCommand (terminal: Terminal): Command {
  return stateCommand(terminal, 'disable', true).description('deny a user, whatever the credential').addHelpText('after', `
Keeps the entry and its credentials. The API server may use a cached answer until
--authentication-token-webhook-cache-ttl has passed.

Examples:
  $ authn-webhook users disable alice`)
}

export function enableCommand (terminal: Terminal): Command {
  return stateCommand(terminal, 'enable', false).description('enable a disabled user').addHelpText('after', `
Examples:
  $ authn-webhook users enable alice`)
}

function stateCommand (terminal: Terminal, verb: 'enable' | 'disable', disabled: boolean): Command {
  return userCommand(verb).action(async (username: string, { usersFile }: UsersFileOptions) => {
    const before = await changeUsersFile(terminal, usersFile, (editor) => {
      const user = findUser(editor.users, username, usersFile)
      if (user.disabled !== disabled) editor.set(username, 'disabled', disabled)
      return user.disabled
    })
    terminal.note(`${JSON.stringify(username)} ${before === disabled ? `is already ${verb}d` : `${verb}d in ${nameOf(usersFile)}`}`)
  })
}

export function removeCommand (terminal: Terminal): Command {
  return userCommand('remove')
    .description('remove a user and all credentials')
    .addHelpText('after', `
To keep the name from being reused for somebody else, disable the user instead.

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

function userCommand (name: string): Command {
  return new Command(name).addArgument(usernameArgument).addOption(usersFileOption)
}
