/** `authn-webhook users import` */
import { Command, Option } from 'commander'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../../terminal.js'
import { noteWarnings } from '../warnings.js'
import { readTextOrStdin } from '../secret-input.js'
import { repeatable } from '../repeatable.js'
import { noteCommas, usersFileOption, type UsersFileOptions } from './options.js'
import { besideUsersFile, changeUsersFile, nameOf, once } from './users-file.js'

interface ImportOptions extends UsersFileOptions {
  readonly format: 'csv' | 'htpasswd'
  readonly group?: readonly string[]
  readonly output: OutputFormat
}

export function importCommand (terminal: Terminal): Command {
  return new Command('import')
    .description("add the users of Kubernetes' static token file, or of an htpasswd file")
    .argument('<file>', 'what to import; - is stdin')
    .addOption(new Option('--format <format>', 'csv: token,user,uid,"group1,group2"; htpasswd: user:hash, bcrypt only').choices(['csv', 'htpasswd']).makeOptionMandatory())
    .addOption(repeatable('--group <group>', 'a group of every imported user'))
    .addOption(usersFileOption)
    .addOption(outputOption)
    .addHelpText('after', `
All or nothing: every error is said with its line, and nothing is changed then.
Tokens become digests, and stay valid; bcrypt hashes are kept, also behind
{BLF-CRYPT} or with each $ doubled. Warns of weak tokens, of bcrypt hashes with
a cost below 10, of columns that Kubernetes ignores, and of names under system:,
which are reserved.

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
      }, { create: true, beside: file })
      noteWarnings(terminal, name, warnings)
      noteCommas(terminal, '--group', group)
      terminal.note(`${users.length} ${users.length === 1 ? 'user' : 'users'} added to ${nameOf(usersFile)}`)
      if (output !== 'text') printResult(besideUsersFile(terminal, usersFile), output, users.map(({ username }) => ({ username })), () => [])
    })
}
