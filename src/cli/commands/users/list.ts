/** `authn-webhook users list` */
import { Command } from 'commander'
import type { TokenEntry, UserEntry } from '../../../users-file/users.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../../terminal.js'
import { formatTable, type Column } from '../../table.js'
import { usersFileOption, type UsersFileOptions } from './options.js'
import { nameOf, readUsersFile } from './users-file.js'

interface ListOptions extends UsersFileOptions {
  readonly wide?: boolean
  readonly output: OutputFormat
}

export function listCommand (terminal: Terminal): Command {
  return new Command('list')
    .description('list the users in the users file')
    .option('--wide', 'also print uid, extra, and token names with their expiry')
    .addOption(usersFileOption)
    .addOption(outputOption)
    .addHelpText('after', `
Hashes are not printed.

Examples:
  $ authn-webhook users list
  $ authn-webhook users list --wide
  $ authn-webhook users list -o json | jq -r '.[] | select(.status == "expired").username'`)
    .action(async ({ wide = false, usersFile, output }: ListOptions) => {
      const now = Date.now()
      const users = [...await readUsersFile(terminal, usersFile)].map((user) => describeUser(user, now))
      if (users.length === 0) terminal.note(`no users in ${nameOf(usersFile)}`)
      if (users.length > 0 || output !== 'text') await printResult(terminal, output, users, () => formatTable(users, columnsOf(wide)))
    })
}

type Description = ReturnType<typeof describeUser>

function describeUser ({ info, disabled, expiresAt, passwordHash, tokens }: UserEntry, now: number) {
  return {
    ...info,
    status: disabled ? 'disabled' : expiresAt !== undefined && expiresAt.getTime() <= now ? 'expired' : 'active',
    ...(expiresAt !== undefined && { expiresAt: formatTime(expiresAt) }),
    // `$scrypt$ln=14,r=8,p=1` → scrypt; `$2b$10` → bcrypt
    ...(passwordHash !== undefined && { password: passwordHash.cost.startsWith('$scrypt$') ? 'scrypt' : 'bcrypt' }),
    tokens: tokens.map(describeToken)
  }
}

function describeToken ({ name, expiresAt, audiences }: TokenEntry) {
  return { name, ...(expiresAt !== undefined && { expiresAt: formatTime(expiresAt) }), ...(audiences !== undefined && { audiences }) }
}

function columnsOf (wide: boolean): ReadonlyArray<Column<Description>> {
  return [
    ['USERNAME', ({ username }) => username],
    ['STATUS', ({ status }) => status],
    ['GROUPS', ({ groups = [] }) => joinNames(groups)],
    ['PASSWORD', ({ password }) => password],
    ['TOKENS', ({ tokens }) => wide ? joinNames(tokens.map(({ name, expiresAt }) => expiresAt === undefined ? name : `${name} (until ${expiresAt})`)) : String(tokens.length)],
    ['EXPIRES', ({ expiresAt }) => expiresAt],
    ...wide ? WIDE : []
  ]
}

const WIDE: ReadonlyArray<Column<Description>> = [
  ['UID', ({ uid }) => uid],
  ['EXTRA', ({ extra = {} }) => joinNames(Object.entries(extra).flatMap(([key, values]) => values.map((value) => `${key}=${value}`)))]
]

/** Quotes a name that contains a comma. */
function joinNames (names: readonly string[]): string {
  return names.map((name) => /[,"]/.test(name) ? JSON.stringify(name) : name).join(',')
}

function formatTime (time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`
}
