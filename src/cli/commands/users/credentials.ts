/** `authn-webhook users set-password`, `add-token` and `remove-token` */
import { Argument, Command } from 'commander'
import { digestToken, generateToken } from '../../../authn/token-digest.js'
import { CommandError } from '../../command-error.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../../terminal.js'
import { repeatable } from '../options.js'
import { resultTerminal } from '../edited-file.js'
import { printOnce } from '../secret-output.js'
import { addPasswordOptions, expiresOption, findUser, usernameArgument, usersFileOption, type PasswordOptions, type UsersFileOptions } from './options.js'
import { readNewPassword } from './password.js'
import { changeUsersFile, nameOf, once } from './users-file.js'

const tokenArgument = new Argument('<name>', 'purpose of the token, such as laptop')

export function setPasswordCommand (terminal: Terminal): Command {
  return addPasswordOptions(new Command('set-password').description('change the password of a user').addArgument(usernameArgument))
    .addOption(usersFileOption)
    .addOption(outputOption)
    .addHelpText('after', `
Prompts for the password by default. A generated password is printed once, on
stdout.

Examples:
  $ authn-webhook users set-password alice
  $ authn-webhook users set-password alice --generate-password
  $ authn-webhook users set-password alice --password-file - < password.txt`)
    .action(async (username: string, options: UsersFileOptions & PasswordOptions & { output: OutputFormat }) => {
      const { usersFile, output } = options
      const newPassword = once(async () => (await readNewPassword(terminal, username, { password: true, ...options }))!)
      const { generated } = await changeUsersFile(terminal, usersFile, async (editor) => {
        findUser(editor.users, username, usersFile)
        const password = await newPassword()
        editor.set(username, 'passwordHash', password.hash)
        return password
      }, { otherInput: options.passwordFile })
      terminal.note(`${JSON.stringify(username)} has a new password in ${nameOf(usersFile)}`)
      const result = resultTerminal(terminal, usersFile)
      if (generated !== undefined) await printOnce(result, output, { username, password: generated }, [generated], `the new password of ${JSON.stringify(username)} is lost; run "users set-password" again`)
      else await printResult(result, output, { username }, () => [])
    })
}

interface AddTokenOptions extends UsersFileOptions {
  readonly expires?: string
  readonly audience?: readonly string[]
  readonly output: OutputFormat
}

export function addTokenCommand (terminal: Terminal): Command {
  return new Command('add-token')
    .description('generate another token for a user and print it')
    .addArgument(usernameArgument)
    .addArgument(tokenArgument)
    .addOption(expiresOption('the token'))
    .addOption(repeatable('--audience <audience>', 'accept the token only for this audience'))
    .addOption(usersFileOption)
    .addOption(outputOption)
    .addHelpText('after', `
The token is printed once, on stdout: the file only has its digest. To rotate a
token, add one under another name, distribute it, and remove the old one.

Examples:
  $ authn-webhook users add-token alice laptop --expires 2160h
  $ authn-webhook users add-token ci pipeline-2027 > token.txt`)
    .action(async (username: string, name: string, options: AddTokenOptions) => {
      const { usersFile, expires, audience, output } = options
      const token = generateToken()
      await changeUsersFile(terminal, usersFile, (editor) => {
        const { tokens } = findUser(editor.users, username, usersFile)
        if (tokens.some((token) => token.name === name.normalize('NFC'))) {
          throw new CommandError(`${JSON.stringify(username)} already has a token ${JSON.stringify(name)}; use another name, or run "users remove-token" first`)
        }
        editor.addToken(username, { name, hash: digestToken(token), ...(expires !== undefined && { expiresAt: expires }), ...(audience !== undefined && { audiences: [...audience] }) })
      })
      terminal.note(`${JSON.stringify(username)} has a token ${JSON.stringify(name)} in ${nameOf(usersFile)}`)
      await printOnce(resultTerminal(terminal, usersFile), output, { username, name, token, ...(expires !== undefined && { expiresAt: expires }) }, [token], 'the token is lost; run "users remove-token", then "users add-token" again')
    })
}

export function removeTokenCommand (terminal: Terminal): Command {
  return new Command('remove-token')
    .description('revoke a token of a user')
    .addArgument(usernameArgument)
    .addArgument(tokenArgument)
    .addOption(usersFileOption)
    .addHelpText('after', `
Examples:
  $ authn-webhook users remove-token alice laptop`)
    .action(async (username: string, nameAsTyped: string, { usersFile }: UsersFileOptions) => {
      const name = nameAsTyped.normalize('NFC')
      await changeUsersFile(terminal, usersFile, (editor) => {
        const names = findUser(editor.users, username, usersFile).tokens.map((token) => token.name)
        const count = names.filter((other) => other === name).length
        if (count === 0) {
          const known = names.length === 0 ? 'has no tokens' : `has these tokens: ${names.map((other) => JSON.stringify(other)).join(', ')}`
          throw new CommandError(`no token ${JSON.stringify(name)}; ${JSON.stringify(username)} ${known}`)
        }
        if (count > 1) throw new CommandError(`${JSON.stringify(username)} has ${count} tokens named ${JSON.stringify(name)}; remove the right one from ${nameOf(usersFile)} in an editor`)
        editor.removeToken(username, name)
      })
      terminal.note(`token ${JSON.stringify(name)} of ${JSON.stringify(username)} removed from ${nameOf(usersFile)}`)
    })
}
