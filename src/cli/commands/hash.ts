/** `authn-webhook hash`: hashes secrets for a users file that is edited by hand. */
import { Command } from 'commander'
import { digestToken, generateToken } from '../../authn/token-digest.js'
import { estimateTokenBits, MIN_TOKEN_BITS, whyUnpresentable } from '../../authn/token-strength.js'
import { CommandError } from '../command-error.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../terminal.js'
import { applyPasswordPolicy } from './password-policy.js'
import { asInputError, generatePassword, readNewSecret } from './secret-input.js'
import { printOnce } from './secret-output.js'

interface HashOptions {
  readonly generate?: true
  readonly output: OutputFormat
}

export function hashCommand (terminal: Terminal): Command {
  return new Command('hash')
    .description('hash a password or a token for the users file')
    .addCommand(passwordCommand(terminal))
    .addCommand(tokenCommand(terminal))
    .addHelpText('after', `
Examples:
  $ authn-webhook hash password                 # prompts twice
  $ authn-webhook hash password < password.txt
  $ authn-webhook hash token --generate         # a new token and its hash`)
}

function passwordCommand (terminal: Terminal): Command {
  return new Command('password')
    .description('print the scrypt hash of a password for "passwordHash:"')
    .option('--generate', 'generate the password and print it too')
    .addOption(outputOption)
    .addHelpText('after', `
Prompts for the password twice; without a terminal, reads it from stdin.

Examples:
  $ authn-webhook hash password
  $ authn-webhook hash password < password.txt
  $ authn-webhook hash password --generate -o json`)
    .action(async ({ generate, output }: HashOptions) => {
      const { hashPassword } = await import('../../authn/password-hash.js')
      const password = generate ? generatePassword() : await readNewSecret(terminal, 'password')
      const passwordHash = await asInputError(() => hashPassword(password))
      applyPasswordPolicy(terminal, password, { generateOption: '--generate' })
      if (generate) await printGenerated(terminal, output, { password, passwordHash })
      else await printResult(terminal, output, { passwordHash }, () => [passwordHash])
    })
}

function tokenCommand (terminal: Terminal): Command {
  return new Command('token')
    .description('print the SHA-256 digest of a token for "hash:" in "tokens:"')
    .option('--generate', 'generate the token and print it too')
    .addOption(outputOption)
    .addHelpText('after', `
Prompts for the token twice; without a terminal, reads it from stdin. A token must
have at least ${MIN_TOKEN_BITS} random bits, since SHA-256 does not slow down guessing.

Examples:
  $ authn-webhook hash token --generate
  $ openssl rand -hex 32 | tee token.txt | authn-webhook hash token`)
    .action(async ({ generate, output }: HashOptions) => {
      const token = generate ? generateToken() : await readNewSecret(terminal, 'token')
      const unpresentable = whyUnpresentable(token)
      if (unpresentable !== undefined) throw new CommandError(unpresentable)
      const hash = digestToken(token)
      if (generate) {
        await printGenerated(terminal, output, { token, hash })
      } else {
        const bits = estimateTokenBits(token)
        if (bits < MIN_TOKEN_BITS) terminal.note(`warning: the token has at most ${bits} bits of entropy, less than the ${MIN_TOKEN_BITS} that are safe; "authn-webhook hash token --generate" generates one`)
        await printResult(terminal, output, { hash }, () => [hash])
      }
    })
}

async function printGenerated (terminal: Terminal, output: OutputFormat, values: Record<string, string>): Promise<void> {
  await printOnce(terminal, output, values, Object.entries(values).map(([key, value]) => `${key}: ${value}`), 'run the command again')
}
