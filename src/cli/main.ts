#!/usr/bin/env node
/** The whole command line. Commands import large modules inside their actions, to start fast. */
import { endOnBrokenOutput, endProcess } from './broken-output.js'
import { certsCommand } from './commands/certs.js'
import { completeCommand, completionCommand } from './commands/completion.js'
import { doctorCommand } from './commands/doctor.js'
import { hashCommand } from './commands/hash.js'
import { keysCommand } from './commands/keys.js'
import { loginCommand } from './commands/login.js'
import { logoutCommand } from './commands/logout.js'
import { reviewCommand } from './commands/review.js'
import { serveCommand } from './commands/serve.js'
import { sessionsCommand } from './commands/sessions.js'
import { tokenCommand } from './commands/token.js'
import { usersCommand } from './commands/users.js'
import { validateCommand } from './commands/validate.js'
import { versionCommand } from './commands/version.js'
import { webhookConfigCommand } from './commands/webhook-config.js'
import { whoamiCommand } from './commands/whoami.js'
import { ExitCode } from './command-error.js'
import { runProgram } from './program.js'
import { openTerminal } from './terminal.js'

endOnBrokenOutput()

const argv = process.argv.slice(2)
const code = await runProgram({
  name: 'authn-webhook',
  description: 'Webhook token authentication for Kubernetes.',
  examples: ['serve --demo', 'help users'],
  commands: [
    serveCommand, validateCommand, reviewCommand, doctorCommand, usersCommand, hashCommand, tokenCommand, certsCommand,
    keysCommand, sessionsCommand, loginCommand, logoutCommand, whoamiCommand, webhookConfigCommand, versionCommand, completionCommand
  ],
  hidden: [completeCommand]
}, argv, openTerminal())
// commands such as `review` set it themselves
if (code !== ExitCode.done) process.exitCode = code
// third-party providers may leave timers or sockets open; `serve` ends by itself
if (code !== ExitCode.done || argv[0] !== 'serve') await endProcess()
