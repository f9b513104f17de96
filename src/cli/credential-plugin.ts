/**
 * The commands of people who sign in, without the rest of the command line:
 * kubectl starts them again and again, so `npm run build` bundles this with what
 * a cached token needs.
 */
import { endOnBrokenOutput, endProcess } from './broken-output.js'
import { loginCommand } from './commands/login.js'
import { logoutCommand } from './commands/logout.js'
import { whoamiCommand } from './commands/whoami.js'
import { ExitCode } from './command-error.js'
import { runProgram } from './program.js'
import { openTerminal } from './terminal.js'

/** @param name of the program, as users type it */
export async function runCredentialPlugin (name: string): Promise<void> {
  endOnBrokenOutput()
  const code = await runProgram({
    name,
    description: 'Sign in to Kubernetes clusters.',
    examples: ['login --issuer https://login.example.com --client production', 'whoami'],
    commands: [loginCommand, logoutCommand, whoamiCommand]
  }, process.argv.slice(2), openTerminal())
  if (code !== ExitCode.done) process.exitCode = code
  await endProcess()
}
