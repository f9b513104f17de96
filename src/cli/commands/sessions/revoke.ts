/** `authn-webhook sessions revoke` */
import { Command, InvalidArgumentError, Option } from 'commander'
import type { Revocation } from '../../../../schemas/revocations.js'
import { milliseconds } from '../../../authn/duration.js'
import { parseTimestamp } from '../../../authn/timestamp.js'
import { CommandError } from '../../command-error.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../../terminal.js'
import { resultTerminal, STDIN } from '../edited-file.js'
import { addRevocationsFileOptions, findRevocationsFile, nameOf, openEditor, type RevocationsFileOptions } from './revocations-file.js'

interface RevokeOptions extends RevocationsFileOptions {
  readonly user?: string
  readonly id?: string
  readonly before?: Date
  readonly output: OutputFormat
}

export function revokeCommand (terminal: Terminal): Command {
  return addRevocationsFileOptions(new Command('revoke').description('revoke a session token, or those of a user')
    .option('--user <name>', 'username as in Kubernetes, with its prefix')
    .addOption(new Option('--id <jti>', 'ID of one token: claim jti').conflicts('user'))
    .addOption(new Option('--before <time>', 'with --user: only tokens issued before this time; default: now').argParser(parseTime)))
    .addOption(outputOption)
    .addHelpText('after', `
The entry is removed when all tokens that it revokes have expired: login.tokenTTL of
the config later, or 24h. Creates the file if it does not exist. The user can sign in
again: to prevent this, disable the account in its directory or users file. With
--file - the file is read from stdin and written to stdout, and the result is printed
on stderr.

Examples:
  $ authn-webhook sessions revoke --user alice
  $ authn-webhook sessions revoke --user corp:alice --before 2027-01-01T00:00:00Z
  $ authn-webhook sessions revoke --id 4f6c1a52-8f0e-4a7b-9d0c-2f3b6a1e5d77 --file /etc/authn-webhook/revocations.yaml`)
    .action(async (options: RevokeOptions) => { await revoke(options, terminal) })
}

function parseTime (text: string): Date {
  const time = parseTimestamp(text)
  if (time === undefined) throw new InvalidArgumentError('Expected a time such as 2027-01-01T00:00:00Z.')
  return time
}

async function revoke (options: RevokeOptions, terminal: Terminal): Promise<void> {
  const { user, id, before, output } = options
  if (user === undefined && id === undefined) throw new CommandError('pass --user, or --id for one token')
  if (user === undefined && before !== undefined) throw new CommandError('--before needs --user: --id revokes one token')
  const { file, tokenTTL, usernamePrefixes } = await findRevocationsFile(options, terminal)
  const now = Date.now()
  const entry = createEntry(options, milliseconds(tokenTTL), now)
  const { isNew, pruned } = await change(terminal, file, entry, now)
  await printResult(resultTerminal(terminal, file), output, { file, ...entry, added: isNew, pruned }, () => `${describe(entry)} ${isNew ? '' : 'already '}revoked in ${nameOf(file)}`)
  if (pruned > 0) terminal.note(pruned === 1 ? 'removed an expired entry' : `removed ${pruned} expired entries`)
  if (user !== undefined && before !== undefined && before.getTime() > now) terminal.note(`tokens that ${JSON.stringify(user)} gets before ${entry.before} are denied too`)
  else if (user !== undefined) terminal.note(`${JSON.stringify(user)} can sign in again: to prevent this, disable the account in its directory or users file.`)
  if (user !== undefined && usernamePrefixes?.every(prefix => !user.startsWith(prefix)) === true) terminal.note(`no user has this name: usernames begin with ${usernamePrefixes.join(' or ')}, as in ${usernamePrefixes[0]!}${user}`)
  terminal.note('A running service reloads the file within seconds; API servers may use a cached answer until --authentication-token-webhook-cache-ttl has passed.')
}

/** @throws CommandError if all of these tokens have expired */
function createEntry ({ user, id, before }: Pick<RevokeOptions, 'user' | 'id' | 'before'>, tokenTTL: number, now: number): Revocation {
  if (user === undefined) return { jti: id!, expires: formatTime(now + tokenTTL) }
  // tokens have whole seconds: one that was issued a moment ago is revoked too
  const limit = before?.getTime() ?? now
  const end = limit + tokenTTL
  if (end <= now) throw new CommandError(`tokens that were issued before ${formatTime(limit)} have all expired: there is nothing to revoke`)
  return { username: user, before: formatTime(limit), expires: formatTime(end) }
}

/** Rounded up to whole seconds. @param time milliseconds since the epoch */
function formatTime (time: number): string {
  return `${new Date(Math.ceil(time / 1000) * 1000).toISOString().slice(0, 19)}Z`
}

/** Starts over if another process has changed the file meanwhile, so that no change is lost. */
async function change (terminal: Terminal, file: string, entry: Revocation, now: number): Promise<{ isNew: boolean, pruned: number }> {
  for (;;) {
    const editor = await openEditor(terminal, file, { create: true })
    const pruned = editor.prune(now)
    const isNew = !editor.entries.some(old => covers(old, entry))
    if (isNew) editor.add(entry)
    const isUnchanged = !isNew && pruned === 0
    // stdout gets the file even so
    if ((isUnchanged && file !== STDIN) || await editor.save()) return { isNew, pruned }
  }
}

/** Whether `old` revokes what `entry` does, for as long. */
function covers (old: Revocation, entry: Revocation): boolean {
  if (old.issuer !== undefined || old.jti !== entry.jti || old.username !== entry.username || old.subject !== undefined) return false
  const time = (text: string | undefined): number => text === undefined ? Infinity : parseTimestamp(text)?.getTime() ?? -Infinity
  // a token has one lifetime: an entry for its ID that has not expired revokes it to its end
  return entry.jti !== undefined || (time(old.before) >= time(entry.before) && time(old.expires) >= time(entry.expires))
}

function describe ({ jti, username, before }: Revocation): string {
  return jti === undefined ? `tokens of ${JSON.stringify(username)} that were issued before ${before}:` : `token ${JSON.stringify(jti)}:`
}
