/** `authn-webhook users import` */
import { Command, Option } from 'commander'
import { formatFieldError, MAX_ERRORS } from '../../../errors.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../../terminal.js'
import { repeatable } from '../options.js'
import { resultTerminal } from '../edited-file.js'
import { readTextOrStdin } from '../secret-input.js'
import { usersFileOption, warnOfCommas, type UsersFileOptions } from './options.js'
import { changeUsersFile, nameOf, once } from './users-file.js'

interface ImportOptions extends UsersFileOptions {
  readonly format: 'csv' | 'htpasswd'
  readonly group?: readonly string[]
  readonly output: OutputFormat
}

export function importCommand (terminal: Terminal): Command {
  return new Command('import')
    .description("add the users of Kubernetes' static token file or an htpasswd file")
    .argument('<file>', 'file to import; - is stdin')
    .addOption(new Option('--format <format>', 'csv (token,user,uid,"group1,group2") or htpasswd (bcrypt only)').choices(['csv', 'htpasswd']).makeOptionMandatory())
    .addOption(repeatable('--group <group>', 'group of every imported user'))
    .addOption(usersFileOption)
    .addOption(outputOption)
    .addHelpText('after', `
Imports all users or none: each error is reported with its line. Tokens stay
valid and are stored as digests; bcrypt hashes are kept, also with the prefix
{BLF-CRYPT} or with each $ doubled. Warns of weak tokens, bcrypt hashes with a
cost below 10, columns that Kubernetes ignores, and reserved names (system:).

Examples:
  $ authn-webhook users import --format csv /etc/kubernetes/known_tokens.csv
  $ authn-webhook users import --format htpasswd --group developers htpasswd`)
    .action(async (file: string, { format, group = [], usersFile, output }: ImportOptions) => {
      const { importUsers } = await import('../../../users-file/import.js')
      const name = file === '-' ? 'stdin' : file
      const read = once(async () => await readTextOrStdin(terminal, file))
      const { users, warnings } = await changeUsersFile(terminal, usersFile, async (editor) => {
        const imported = importUsers(await read(), { format, file: name, groups: group, existing: editor.users })
        editor.add(imported.users)
        return imported
      }, { create: true, otherInput: file })
      for (const warning of warnings.slice(0, MAX_ERRORS)) terminal.note(`warning: ${formatFieldError(name, warning)}`)
      if (warnings.length > MAX_ERRORS) terminal.note(`warning: ${name}: ${warnings.length - MAX_ERRORS} more warnings`)
      warnOfCommas(terminal, '--group', group)
      terminal.note(`${users.length} ${users.length === 1 ? 'user' : 'users'} added to ${nameOf(usersFile)}`)
      await printResult(resultTerminal(terminal, usersFile), output, users.map(({ username }) => ({ username })), () => [])
    })
}
