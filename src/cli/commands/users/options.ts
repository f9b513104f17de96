/** Options and arguments that several `users` commands share. */
import { Argument, InvalidArgumentError, Option, type Command } from 'commander'
import { parseDuration } from '../../../authn/duration.js'
import { parseTimestamp } from '../../../authn/timestamp.js'
import { CommandError } from '../../command-error.js'
import type { UserEntry, Users } from '../../../users-file/users.js'
import type { Terminal } from '../../terminal.js'
import { nameOf } from './users-file.js'

export const usersFileOption = new Option('--users-file <file>', 'users file; - reads stdin and writes stdout').env('AUTHN_WEBHOOK_USERS_FILE').default('users.yaml')

export interface UsersFileOptions {
  readonly usersFile: string
}

export const usernameArgument = new Argument('<username>', 'name in the users file')

export function expiresOption (what: string): Option {
  return new Option('--expires <time>', `expiry of ${what}: 2027-01-01T00:00:00Z, 90d or 2160h`).argParser((text, before) => {
    rejectNegated('expires', before)
    return parseExpiry(text)
  })
}

/** The time that `2027-01-01T00:00:00Z` or `2160h` means, as in a users file. `now`: milliseconds since the epoch. */
export function parseExpiry (text: string, now: number = Date.now()): string {
  const duration = parseSpan(text)
  const moment = duration === undefined ? undefined : new Date(now + duration)
  // users files have whole seconds and years of four digits
  const written = moment === undefined || Number.isNaN(moment.getTime()) ? text : `${moment.toISOString().slice(0, 19)}Z`
  const end = parseTimestamp(written)
  if (end === undefined) throw new InvalidArgumentError('Expected a time such as 2027-01-01T00:00:00Z, or a duration such as 90d or 2160h.')
  if (end.getTime() <= now) throw new InvalidArgumentError('It is in the past.')
  return written
}

const DAY = 24 * 60 * 60 * 1000

/** Milliseconds of `90d`, `90d12h` or a Go duration, which has no days. */
function parseSpan (text: string): number | undefined {
  const [, days, rest = ''] = /^(\d+(?:\.\d+)?)d(.*)$/.exec(text) ?? []
  if (days === undefined) return parseDuration(text)
  const hours = rest === '' ? 0 : parseDuration(rest)
  return hours === undefined ? undefined : Number(days) * DAY + hours
}

/** Where a new password comes from. */
export interface PasswordOptions {
  readonly password?: true
  readonly passwordFile?: string
  readonly generatePassword?: true
}

export function addPasswordOptions (command: Command): Command {
  return command
    .addOption(new Option('--password', 'prompt for the password').conflicts(['passwordFile', 'generatePassword']))
    .addOption(new Option('--password-file <file>', 'read the password from a file; - is stdin').conflicts(['password', 'generatePassword']))
    .addOption(new Option('--generate-password', 'generate a password and print it').conflicts(['password', 'passwordFile']))
}

/** `--no-uid` for `--uid`. With both, commander would use the last one. */
export function negation (flag: `--no-${string}`, description: string): Option {
  const name = flag.slice('--no-'.length)
  return new Option(flag, description).argParser((_value, before) => {
    if (typeof before === 'string') throw mutuallyExclusive(name)
    return false
  })
}

/** @param before the value that an earlier option set */
export function rejectNegated (name: string, before: unknown): void {
  if (before === false) throw mutuallyExclusive(name)
}

function mutuallyExclusive (name: string): CommandError {
  return new CommandError(`--${name} can't be combined with --no-${name}`)
}

/** @throws CommandError for a repeated name */
export function rejectRepeated (option: string, values: readonly string[] = []): void {
  const names = values.map((value) => value.normalize('NFC'))
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  if (repeated !== undefined) throw new CommandError(`${option} names ${JSON.stringify(repeated)} twice; remove one or use another name`)
}

/** A comma may be intended: names of LDAP groups contain them. */
export function warnOfCommas (terminal: Terminal, option: string, groups: readonly string[] = []): void {
  for (const group of groups.filter((name) => name.includes(','))) terminal.note(`warning: ${JSON.stringify(group)} is one group; for several, repeat ${option}`)
}

/** @throws CommandError if there is no such user */
export function findUser (users: Users, username: string, file: string): UserEntry {
  const user = users.byName(username)
  if (user === undefined) throw new CommandError(`no user ${JSON.stringify(username)} in ${nameOf(file)}; "authn-webhook users list" lists them`)
  return user
}
