/** `authn-webhook login`: the commands of people who sign in. */
import { Command } from 'commander'
import type { Terminal } from '../terminal.js'
import { loginKubeconfigCommand } from './login/kubeconfig.js'

export function loginCommand (terminal: Terminal): Command {
  return new Command('login')
    .description('sign in, for kubectl')
    .addCommand(loginKubeconfigCommand(terminal))
}
