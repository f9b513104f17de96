/** `authn-webhook sessions`: changes or lists the revocations of session tokens. */
import { Command } from 'commander'
import type { Terminal } from '../terminal.js'
import { listRevocationsCommand } from './sessions/list.js'
import { revokeCommand } from './sessions/revoke.js'

export function sessionsCommand (terminal: Terminal): Command {
  const sessions = new Command('sessions')
    .description('revoke session tokens, or list what is revoked')
    .addHelpText('after', `
Changes the file of sessions.revocationsFile, which a running service reloads. Comments
and all other lines stay; expired entries are removed.

Examples:
  $ authn-webhook sessions revoke --user alice
  $ authn-webhook sessions revoke --id 4f6c1a52-8f0e-4a7b-9d0c-2f3b6a1e5d77
  $ authn-webhook sessions list`)
  for (const command of [revokeCommand, listRevocationsCommand]) sessions.addCommand(command(terminal))
  return sessions
}
