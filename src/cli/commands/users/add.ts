/** `authn-webhook users add` */
import { Command } from 'commander'
import type { User } from '../../../../schemas/users.js'
import { findReservedNames } from '../../../authn/reserved.js'
import { digestToken, generateToken } from '../../../authn/token-digest.js'
import { CommandError } from '../../command-error.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../../terminal.js'
import { repeatable } from '../repeatable.js'
import { printOnce } from '../shown-once.js'
import { addPasswordOptions, expiresOption, noteCommas, refuseRepeated, usernameArgument, usersFileOption, type PasswordOptions, type UsersFileOptions } from './options.js'
import { readPassword } from './password.js'
import { besideUsersFile, changeUsersFile, nameOf, once } from './users-file.js'

interface AddOptions extends UsersFileOptions, PasswordOptions {
  readonly group?: readonly string[]
  readonly uid?: string
  readonly extra?: readonly string[]
  readonly expires?: string
  readonly token?: readonly string[]
  readonly output: OutputFormat
}

/** What was made and is printed once. */
interface Made {
  readonly username: string
  readonly password?: string
  readonly tokens?: ReadonlyArray<{ readonly name: string, readonly token: string }>
}

export function addCommand (terminal: Terminal): Command {
  const command = new Command('add')
    .description('add a user')
    .addArgument(usernameArgument)
    .addOption(repeatable('--group <group>', 'a group of the user'))
    .option('--uid <uid>', 'what stays the same when the name changes')
    .addOption(repeatable('--extra <key=value>', 'an extra value for authorizers and admission'))
    .addOption(expiresOption('the account'))
  return addPasswordOptions(command)
    .addOption(repeatable('--token <name>', 'make a token of this name, and print it'))
    .addOption(usersFileOption)
    .addOption(outputOption)
    .addHelpText('after', `
The file is made when it is missing, readable by its owner alone. Passwords and
tokens that are made are printed on stdout, once: the file holds their hashes.
With --users-file - the file is read from stdin and written to stdout, and what is
made is printed on stderr.

Examples:
  $ authn-webhook users add alice --group developers --password
  $ authn-webhook users add bob --uid 1002 --group developers --group on-call --generate-password
  $ authn-webhook users add ci --group deployers --token pipeline --expires 2160h
  $ authn-webhook users add carol --extra example.com/team=platform --password-file - < password.txt`)
    .action(async (username: string, options: AddOptions) => { await addUser(terminal, username, options) })
}

async function addUser (terminal: Terminal, username: string, options: AddOptions): Promise<void> {
  const { usersFile, passwordFile, output } = options
  refuseRepeated('--token', options.token)
  const tokens = options.token?.map((name) => ({ name, token: generateToken() }))
  const askPassword = once(async () => await readPassword(terminal, username, options))
  const { user, password } = await changeUsersFile(terminal, usersFile, async (editor) => {
    if (editor.users.byName(username) !== undefined) {
      throw new CommandError(`${JSON.stringify(username)} is in ${nameOf(usersFile)} already; "users set-password" and "users add-token" change credentials, "users edit" the rest`)
    }
    const password = await askPassword()
    const user = createUser(username, options, password?.hash, tokens)
    editor.add([user])
    return { user, password }
  }, { create: true, beside: passwordFile })
  terminal.note(`${JSON.stringify(username)} added to ${nameOf(usersFile)}`)
  for (const { message } of findReservedNames(user)) terminal.note(`warning: ${message}`)
  noteCommas(terminal, '--group', options.group)
  if (password === undefined && tokens === undefined) terminal.note('There is no way to log in yet: "users set-password" and "users add-token" give one.')
  await printMade(besideUsersFile(terminal, usersFile), output, {
    username,
    ...(password?.generated !== undefined && { password: password.generated }),
    ...(tokens !== undefined && { tokens })
  })
}

function createUser (username: string, { uid, group, extra, expires }: AddOptions, passwordHash: string | undefined, tokens: Made['tokens']): User {
  return {
    username,
    ...(uid !== undefined && { uid }),
    ...(group !== undefined && { groups: [...new Set(group)] }),
    ...(extra !== undefined && { extra: parseExtra(extra) }),
    ...(expires !== undefined && { expiresAt: expires }),
    ...(passwordHash !== undefined && { passwordHash }),
    ...(tokens !== undefined && { tokens: tokens.map(({ name, token }) => ({ name, hash: digestToken(token) })) })
  }
}

async function printMade (terminal: Terminal, output: OutputFormat, made: Made): Promise<void> {
  const lines = [
    ...(made.password === undefined ? [] : [`password: ${made.password}`]),
    ...(made.tokens ?? []).map(({ name, token }) => `token ${name}: ${token}`)
  ]
  if (lines.length > 0) await printOnce(terminal, output, made, lines, `nobody knows the password and the tokens of ${JSON.stringify(made.username)}; run "users remove", and then "users add" again`)
  else if (output !== 'text') printResult(terminal, output, made, () => lines)
  if (made.password !== undefined) terminal.note('"authn-webhook token" makes a bearer token of the name and the password.')
}

function parseExtra (pairs: readonly string[]): Record<string, string[]> {
  const extra = new Map<string, string[]>()
  for (const pair of pairs) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? []
    if (key === undefined || value === undefined) throw new CommandError('--extra takes key=value, such as example.com/team=platform')
    extra.set(key, [...extra.get(key) ?? [], value])
  }
  return Object.fromEntries(extra)
}
