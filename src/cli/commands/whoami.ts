/** `authn-webhook whoami` */
import { Command } from 'commander'
import { cacheDirectory } from '../../credential-plugin/index.js'
import { CommandError, ExitCode } from '../command-error.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../terminal.js'
import { addAccountOptions, type AccountOptions } from './login/account-options.js'
import { findCachedAccount } from './login/cached-account.js'

interface WhoamiOptions extends AccountOptions {
  readonly output: OutputFormat
}

export function whoamiCommand (terminal: Terminal): Command {
  return addAccountOptions(new Command('whoami').description('show whom the cached token names, and until when it is valid'))
    .option('--username <name>', 'username that was passed to login')
    .addOption(outputOption)
    .addHelpText('after', `
Shows what the token says, without asking a server. Exit code 1 if there is no token, or if
it has expired.

Examples:
  $ authn-webhook whoami
  $ authn-webhook whoami --client production -o json | jq -r .username`)
    .action(async (options: WhoamiOptions) => {
      const { identityOf } = await import('../../credential-plugin/cached-accounts.js')
      const entry = (await findCachedAccount(cacheDirectory(), options))?.entry
      const identity = entry && identityOf(entry)
      if (entry === undefined || identity === undefined) throw new CommandError('not signed in: run a kubectl command, or authn-webhook login', ExitCode.no)
      const { client, issuer } = entry
      const until = new Date(entry.expiresAt * 1000).toISOString().replace('.000', '')
      await printResult(terminal, options.output, { ...identity, client, issuer, expiresAt: until }, () => [
        `username: ${identity.username}`,
        `groups:   ${identity.groups.join(', ') || '(none)'}`,
        `client:   ${client}`,
        `issuer:   ${issuer}`,
        `until:    ${until}`
      ])
      if (entry.expiresAt * 1000 <= Date.now()) throw new CommandError('the token has expired: run a kubectl command, or authn-webhook login', ExitCode.no)
    })
}
