/** `authn-webhook users add` */
import { Command } from 'commander'
import type { User } from '../../../../schemas/users.js'
import { findReservedNames } from '../../../authn/reserved.js'
import { digestToken, generateToken } from '../../../authn/token-digest.js'
import { CommandError } from '../../command-error.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../../terminal.js'
import { repeatable } from '../options.js'
import { resultTerminal } from '../edited-file.js'
import { printOnce } from '../secret-output.js'
import { addPasswordOptions, expiresOption, rejectRepeated, warnOfCommas, usernameArgument, usersFileOption, type PasswordOptions, type UsersFileOptions } from './options.js'
import { readNewPassword } from './password.js'
import { changeUsersFile, nameOf, once } from './users-file.js'

interface AddOptions extends UsersFileOptions, PasswordOptions {
  readonly group?: readonly string[]
  readonly uid?: string
  readonly extra?: readonly string[]
  readonly expires?: string
  readonly token?: readonly string[]
  readonly output: OutputFormat
}

/** Printed once, since the file only has the hashes. */
interface GeneratedSecrets {
  readonly username: string
  readonly password?: string
  readonly tokens?: ReadonlyArray<{ readonly name: string, readonly token: string }>
}

export function addCommand (terminal: Terminal): Command {
  const command = new Command('add')
    .description('add a user')
    .addArgument(usernameArgument)
    .addOption(repeatable('--group <group>', 'group of the user'))
    .option('--uid <uid>', 'stable unique ID, kept when the user is renamed')
    .addOption(repeatable('--extra <key=value>', 'extra value for authorizers and admission'))
    .addOption(expiresOption('the account'))
  return addPasswordOptions(command)
    .addOption(repeatable('--token <name>', 'generate a token of this name and print it'))
    .addOption(usersFileOption)
    .addOption(outputOption)
    .addHelpText('after', `
Creates the file if it does not exist, readable only by its owner. Generated
passwords and tokens are printed once, on stdout: the file only has their hashes.
With --users-file - the file is read from stdin and written to stdout, and
generated secrets are printed on stderr.

Examples:
  $ authn-webhook users add alice --group developers --password
  $ authn-webhook users add bob --uid 1002 --group developers --group on-call --generate-password
  $ authn-webhook users add ci --group deployers --token pipeline --expires 2160h
  $ authn-webhook users add carol --extra example.com/team=platform --password-file - < password.txt`)
    .action(async (username: string, options: AddOptions) => { await addUser(terminal, username, options) })
}

async function addUser (terminal: Terminal, username: string, options: AddOptions): Promise<void> {
  const { usersFile, passwordFile, output } = options
  rejectRepeated('--token', options.token)
  const tokens = options.token?.map((name) => ({ name, token: generateToken() }))
  const newPassword = once(async () => await readNewPassword(terminal, username, options))
  const { user, password } = await changeUsersFile(terminal, usersFile, async (editor) => {
    if (editor.users.byName(username) !== undefined) {
      throw new CommandError(`${JSON.stringify(username)} already exists in ${nameOf(usersFile)}; change credentials with "users set-password" and "users add-token", the rest with "users edit"`)
    }
    const password = await newPassword()
    const user = createUser(username, options, password?.hash, tokens)
    editor.add([user])
    return { user, password }
  }, { create: true, otherInput: passwordFile })
  terminal.note(`${JSON.stringify(username)} added to ${nameOf(usersFile)}`)
  for (const { message } of findReservedNames(user)) terminal.note(`warning: ${message}`)
  warnOfCommas(terminal, '--group', options.group)
  if (password !== undefined && options.uid === undefined) terminal.note('Without a uid, the user cannot sign in at a sign-in service: set one with "users edit".')
  if (password === undefined && tokens === undefined) terminal.note('The user cannot log in yet: add a credential with "users set-password" or "users add-token".')
  await printSecrets(resultTerminal(terminal, usersFile), output, {
    username,
    ...(password?.generated !== undefined && { password: password.generated }),
    ...(tokens !== undefined && { tokens })
  })
}

function createUser (username: string, { uid, group, extra, expires }: AddOptions, passwordHash: string | undefined, tokens: GeneratedSecrets['tokens']): User {
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

async function printSecrets (terminal: Terminal, output: OutputFormat, secrets: GeneratedSecrets): Promise<void> {
  const lines = [
    ...(secrets.password === undefined ? [] : [`password: ${secrets.password}`]),
    ...(secrets.tokens ?? []).map(({ name, token }) => `token ${name}: ${token}`)
  ]
  if (lines.length > 0) await printOnce(terminal, output, secrets, lines, `the password and the tokens of ${JSON.stringify(secrets.username)} are lost; run "users remove", then "users add" again`)
  else await printResult(terminal, output, secrets, () => [])
  if (secrets.password !== undefined) terminal.note('"authn-webhook token" prints the bearer token for the username and password.')
}

function parseExtra (pairs: readonly string[]): Record<string, string[]> {
  const extra = new Map<string, string[]>()
  for (const pair of pairs) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? []
    if (key === undefined || value === undefined) throw new CommandError('--extra must be key=value, such as example.com/team=platform')
    extra.set(key, [...extra.get(key) ?? [], value])
  }
  return Object.fromEntries(extra)
}
