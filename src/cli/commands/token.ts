/** `authn-webhook token`: prints the bearer token for a password, for a kubeconfig or curl. */
import { Command } from 'commander'
import { passwordToken } from '../../authn/credential.js'
import type { Terminal } from '../terminal.js'
import { asInputError, readPassword } from './secret-input.js'

export function tokenCommand (terminal: Terminal): Command {
  return new Command('token')
    .description('print the bearer token for a username and password')
    .requiredOption('--username <name>', 'the user')
    .addHelpText('after', `
Prompts for the password; without a terminal, reads it from stdin. The token is
base64("username:password"): anyone who has it has the password. The password is
not checked; use "authn-webhook review" for that.

Examples:
  $ authn-webhook token --username alice
  $ kubectl config set-credentials alice --token="$(authn-webhook token --username alice)"
  $ authn-webhook token --username alice < password.txt`)
    .action(async ({ username }: { username: string }) => {
      // reports an invalid name before the prompt
      await asInputError(() => passwordToken({ username, password: 'x' }))
      const password = await readPassword(terminal)
      terminal.print(await asInputError(() => passwordToken({ username, password })))
    })
}
