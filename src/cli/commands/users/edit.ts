/** `authn-webhook users edit` */
import { Command, Option } from 'commander'
import { findReservedNames } from '../../../authn/reserved.js'
import type { UserEntry } from '../../../users-file/users.js'
import { CommandError } from '../../command-error.js'
import type { UsersEditor } from '../../../users-file/edit.js'
import type { Terminal } from '../../terminal.js'
import { repeatable } from '../options.js'
import { expiresOption, findUser, negation, rejectNegated, usernameArgument, usersFileOption, warnOfCommas, type UsersFileOptions } from './options.js'
import { changeUsersFile, nameOf } from './users-file.js'

interface EditOptions extends UsersFileOptions {
  readonly addGroup?: readonly string[]
  readonly removeGroup?: readonly string[]
  /** `false`: `--no-uid`. */
  readonly uid?: string | false
  /** `false`: `--no-expires`. */
  readonly expires?: string | false
}

export function editCommand (terminal: Terminal): Command {
  return new Command('edit')
    .description('change the groups, uid or expiry of a user')
    .addArgument(usernameArgument)
    .addOption(repeatable('--add-group <group>', 'group to add'))
    .addOption(repeatable('--remove-group <group>', 'group to remove'))
    .addOption(new Option('--uid <uid>', 'stable unique ID, kept when the user is renamed').argParser((uid, before) => { rejectNegated('uid', before); return uid }))
    .addOption(negation('--no-uid', 'remove the uid'))
    .addOption(expiresOption('the account'))
    .addOption(negation('--no-expires', 'remove the expiry'))
    .addOption(usersFileOption)
    .addHelpText('after', `
Adding a group that the user already has, or removing a uid or expiry that is not
set, is a no-op. For credentials use "users set-password", "users add-token" and
"users remove-token".

Examples:
  $ authn-webhook users edit alice --add-group on-call --remove-group contractors
  $ authn-webhook users edit alice --expires 90d
  $ authn-webhook users edit alice --no-expires --uid 1001`)
    .action(async (username: string, options: EditOptions) => { await editUser(terminal, username, options) })
}

async function editUser (terminal: Terminal, username: string, { usersFile, addGroup = [], removeGroup = [], uid, expires }: EditOptions): Promise<void> {
  if (addGroup.length + removeGroup.length === 0 && uid === undefined && expires === undefined) {
    throw new CommandError('nothing to change: pass --add-group, --remove-group, --uid, --no-uid, --expires or --no-expires')
  }
  const { name, added } = await changeUsersFile(terminal, usersFile, (editor) => {
    const user = findUser(editor.users, username, usersFile)
    const { added, removed } = planGroups(user, addGroup, removeGroup)
    for (const group of removed) editor.removeGroup(username, group)
    if (added.length > 0) editor.addGroups(username, added)
    setOrUnset(editor, user, 'uid', uid)
    setOrUnset(editor, user, 'expiresAt', expires)
    return { name: user.info.username, added }
  })
  terminal.note(`${JSON.stringify(username)} changed in ${nameOf(usersFile)}`)
  for (const { message } of findReservedNames({ username: name, groups: added })) terminal.note(`warning: ${message}`)
  warnOfCommas(terminal, '--add-group', added)
}

/** @throws CommandError for a group that is both added and removed, or removed without being there */
function planGroups ({ info: { username, groups: had = [] } }: UserEntry, add: readonly string[], remove: readonly string[]): { added: string[], removed: string[] } {
  const [adding, removed] = [add, remove].map((names) => [...new Set(names.map((name) => name.normalize('NFC')))]) as [string[], string[]]
  const both = adding.find((group) => removed.includes(group))
  if (both !== undefined) throw new CommandError(`--add-group and --remove-group both name ${JSON.stringify(both)}`)
  const missing = removed.find((group) => !had.includes(group))
  if (missing !== undefined) {
    const known = had.length === 0 ? 'has no groups' : `has these groups: ${had.map((group) => JSON.stringify(group)).join(', ')}`
    throw new CommandError(`no group ${JSON.stringify(missing)}; ${JSON.stringify(username)} ${known}`)
  }
  return { added: adding.filter((group) => !had.includes(group)), removed }
}

function setOrUnset (editor: UsersEditor, { info, expiresAt }: UserEntry, key: 'uid' | 'expiresAt', value: string | false | undefined): void {
  const isSet = key === 'uid' ? info.uid !== undefined : expiresAt !== undefined
  if (typeof value === 'string') editor.set(info.username, key, value)
  else if (value === false && isSet) editor.unset(info.username, key)
}
