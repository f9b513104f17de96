/** `authn-webhook sessions list` */
import { Command } from 'commander'
import type { Revocation } from '../../../../schemas/revocations.js'
import { parseTimestamp } from '../../../authn/timestamp.js'
import { formatTable } from '../../table.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../../terminal.js'
import { addRevocationsFileOptions, findRevocationsFile, nameOf, openEditor, type RevocationsFileOptions } from './revocations-file.js'

interface ListOptions extends RevocationsFileOptions {
  readonly output: OutputFormat
}

export function listRevocationsCommand (terminal: Terminal): Command {
  return addRevocationsFileOptions(new Command('list').description('list what is revoked, the soonest to expire first'))
    .addOption(outputOption)
    .addHelpText('after', `
Omits expired entries. Entries without EXPIRES stay until they are removed.

Examples:
  $ authn-webhook sessions list
  $ authn-webhook sessions list -o json | jq -r '.[].username'`)
    .action(async (options: ListOptions) => {
      const { output } = options
      const { isExpired } = await import('../../../revocations-file/edit.js')
      const { file } = await findRevocationsFile(options, terminal)
      const now = Date.now()
      const active = (await openEditor(terminal, file)).entries.filter(entry => !isExpired(entry, now)).sort(bySoonestExpiry)
      if (active.length === 0) terminal.note(`nothing is revoked in ${nameOf(file)}`)
      if (active.length > 0 || output !== 'text') {
        await printResult(terminal, output, active, () => formatTable(active, [
          ['REVOKED', ({ jti, subject }) => jti !== undefined ? 'token' : subject !== undefined ? 'subject' : 'user'],
          ['NAME', ({ jti, subject, username }) => jti ?? subject ?? username],
          ['ISSUER', ({ issuer }) => issuer],
          ['BEFORE', ({ before }) => before],
          ['EXPIRES', ({ expires }) => expires]
        ]))
      }
    })
}

function bySoonestExpiry (one: Revocation, other: Revocation): number {
  const [a, b] = [one, other].map(({ expires }) => expires === undefined ? Infinity : parseTimestamp(expires)?.getTime() ?? Infinity) as [number, number]
  return a === b ? 0 : a - b
}
