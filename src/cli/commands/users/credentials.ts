/** `authn-webhook users set-password`, `add-token` and `remove-token`: rotation, by adding the new one before the old one goes. */
import { Argument, Command } from 'commander'
import { digestToken, generateToken } from '../../../authn/token-digest.js'
import { CommandError } from '../../command-error.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../../terminal.js'
import { repeatable } from '../repeatable.js'
import { printOnce } from '../shown-once.js'
import { addPasswordOptions, expiresOption, findUser, usernameArgument, usersFileOption, type PasswordOptions, type UsersFileOptions } from './options.js'
import { readPassword } from './password.js'
import { besideUsersFile, changeUsersFile, nameOf, once } from './users-file.js'

const tokenArgument = new Argument('<name>', 'what the token is for, such as laptop')

export function setPasswordCommand (terminal: Terminal): Command {
  return addPasswordOptions(new Command('set-password').description('give a user a new password').addArgument(usernameArgument))
    .addOption(usersFileOption)
    .addOption(outputOption)
    .addHelpText('after', `
Asks for the password unless told otherwise. A password that is made is printed
on stdout, once.

Examples:
  $ authn-webhook users set-password alice
  $ authn-webhook users set-password alice --generate-password
  $ authn-webhook users set-password alice --password-file - < password.txt`)
    .action(async (username: string, options: UsersFileOptions & PasswordOptions & { output: OutputFormat }) => {
      const { usersFile, output } = options
      const asked = options.passwordFile !== undefined || options.generatePassword === true
      const askPassword = once(async () => (await readPassword(terminal, username, asked ? options : { password: true }))!)
      const { generated } = await changeUsersFile(terminal, usersFile, async (editor) => {
        findUser(editor.users, username, usersFile)
        const password = await askPassword()
        editor.set(username, 'passwordHash', password.hash)
        return password
      }, { beside: options.passwordFile })
      terminal.note(`${JSON.stringify(username)} has a new password in ${nameOf(usersFile)}`)
      const beside = besideUsersFile(terminal, usersFile)
      if (generated !== undefined) await printOnce(beside, output, { username, password: generated }, [generated], `nobody knows the new password of ${JSON.stringify(username)} now; run "users set-password" again`)
      else if (output !== 'text') printResult(beside, output, { username }, () => [])
    })
}

interface AddTokenOptions extends UsersFileOptions {
  readonly expires?: string
  readonly audience?: readonly string[]
  readonly output: OutputFormat
}

export function addTokenCommand (terminal: Terminal): Command {
  return new Command('add-token')
    .description('make another token for a user, and print it')
    .addArgument(usernameArgument)
    .addArgument(tokenArgument)
    .addOption(expiresOption('the token'))
    .addOption(repeatable('--audience <audience>', 'accept the token for this audience alone'))
    .addOption(usersFileOption)
    .addOption(outputOption)
    .addHelpText('after', `
The token is printed on stdout, once: the file holds its digest. To rotate a
token, add one under another name, hand it out, and remove the old one.

Examples:
  $ authn-webhook users add-token alice laptop --expires 2160h
  $ authn-webhook users add-token ci pipeline-2027 > token.txt`)
    .action(async (username: string, name: string, options: AddTokenOptions) => {
      const { usersFile, expires, audience, output } = options
      const token = generateToken()
      await changeUsersFile(terminal, usersFile, (editor) => {
        const { tokens } = findUser(editor.users, username, usersFile)
        if (tokens.some((token) => token.name === name.normalize('NFC'))) {
          throw new CommandError(`${JSON.stringify(username)} has a token ${JSON.stringify(name)} already; take another name, or "users remove-token" first`)
        }
        editor.addToken(username, { name, hash: digestToken(token), ...(expires !== undefined && { expiresAt: expires }), ...(audience !== undefined && { audiences: [...audience] }) })
      })
      terminal.note(`${JSON.stringify(username)} has a token ${JSON.stringify(name)} in ${nameOf(usersFile)}`)
      await printOnce(besideUsersFile(terminal, usersFile), output, { username, name, token, ...(expires !== undefined && { expiresAt: expires }) }, [token], 'nobody knows this token; run "users remove-token", and then "users add-token" again')
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
        if (count > 1) throw new CommandError(`${JSON.stringify(username)} has ${count} tokens of the name ${JSON.stringify(name)}; take the right one out of ${nameOf(usersFile)} in an editor`)
        editor.removeToken(username, name)
      })
      terminal.note(`token ${JSON.stringify(name)} of ${JSON.stringify(username)} removed from ${nameOf(usersFile)}`)
    })
}
