/** `authn-webhook token`: the bearer token that carries a password, for a kubeconfig or curl. */
import { Command } from 'commander'
import { passwordToken } from '../../authn/credential.js'
import type { Terminal } from '../terminal.js'
import { blamingInput, readKnownSecret } from './secret-input.js'

export function tokenCommand (terminal: Terminal): Command {
  return new Command('token')
    .description('print the bearer token of a user with a password')
    .requiredOption('--username <name>', 'whose password it is')
    .addHelpText('after', `
Asks for the password; without a terminal, reads it from stdin. The token is
base64("username:password"): whoever has it has the password. Nothing is asked
whether it is the right one; "authn-webhook review" does that.

Examples:
  $ authn-webhook token --username alice
  $ kubectl config set-credentials alice --token="$(authn-webhook token --username alice)"
  $ authn-webhook token --username alice < password.txt`)
    .action(async ({ username }: { username: string }) => {
      // a name that can't be used is said before anybody types a password
      await blamingInput(() => passwordToken({ username, password: 'x' }))
      const password = await readKnownSecret(terminal, 'password')
      terminal.print(await blamingInput(() => passwordToken({ username, password })))
    })
}
