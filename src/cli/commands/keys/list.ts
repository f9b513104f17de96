/** `authn-webhook keys list` */
import { resolve } from 'node:path'
import { Command } from 'commander'
import type { ListedKey } from '../../../session-keys/key-directory.js'
import { formatTable } from '../../table.js'
import { ExitCode } from '../../command-error.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../../terminal.js'
import { addDirectoryOption, formatAge, type DirectoryOptions } from './options.js'

interface ListOptions extends DirectoryOptions {
  readonly output: OutputFormat
}

export function listKeysCommand (terminal: Terminal): Command {
  return addDirectoryOption(new Command('list').description('list the keys in the directory, the oldest first'))
    .addOption(outputOption)
    .addHelpText('after', `
STATE is "complete" for a key with its certificate, "retired" for a certificate
without its key. Exit code: 2 if a file is invalid.

Examples:
  $ authn-webhook keys list --dir keys
  $ authn-webhook keys list --dir keys -o json | jq -r '.[-1].kid'`)
    .action(async ({ dir, output }: ListOptions) => {
      const { listSigningKeys } = await import('../../../session-keys/key-directory.js')
      const keys = (await listSigningKeys(resolve(dir))).map(key => ({ ...key, state: stateOf(key) }))
      if (keys.length === 0) terminal.note(`no keys in ${resolve(dir)}`)
      const now = Date.now()
      if (keys.length > 0 || output !== 'text') {
        await printResult(terminal, output, keys, () => formatTable(keys, [
          ['NAME', ({ name }) => name],
          ['KID', ({ kid }) => kid],
          ['FILE', ({ certFile }) => certFile],
          ['STATE', ({ state }) => state],
          ['CREATED', ({ createdAt }) => createdAt?.toISOString().slice(0, 10)],
          ['AGE', ({ createdAt }) => createdAt && formatAge(now - createdAt.getTime())]
        ]))
      }
      const invalid = keys.flatMap(({ error = [] }) => error)
      for (const error of invalid) terminal.note(error.split('\n'))
      if (invalid.length > 0) process.exitCode = ExitCode.usage
    })
}

function stateOf ({ keyFile, error }: ListedKey): 'complete' | 'retired' | 'invalid' {
  if (error !== undefined) return 'invalid'
  return keyFile === undefined ? 'retired' : 'complete'
}
