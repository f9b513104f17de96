/** `authn-webhook hash`: what a users file holds instead of a secret, for people who edit it by hand. */
import { Command } from 'commander'
import { digestToken, generateToken } from '../../authn/token-digest.js'
import { estimateTokenBits, MIN_TOKEN_BITS, whyUnpresentable } from '../../authn/token-strength.js'
import { CommandError } from '../command-error.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../terminal.js'
import { judgePassword } from './new-password.js'
import { blamingInput, generatePassword, readNewSecret } from './secret-input.js'
import { printOnce } from './shown-once.js'

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
  $ authn-webhook hash password                 # asks twice
  $ authn-webhook hash password < password.txt
  $ authn-webhook hash token --generate         # a new token and its hash`)
}

function passwordCommand (terminal: Terminal): Command {
  return new Command('password')
    .description('print the scrypt hash of a password, for "passwordHash:"')
    .option('--generate', 'make the password, and print it as well')
    .addOption(outputOption)
    .addHelpText('after', `
Asks for the password twice; without a terminal, reads it from stdin.

Examples:
  $ authn-webhook hash password
  $ authn-webhook hash password < password.txt
  $ authn-webhook hash password --generate -o json`)
    .action(async ({ generate, output }: HashOptions) => {
      const { hashPassword } = await import('../../authn/password-hash.js')
      const password = generate ? generatePassword() : await readNewSecret(terminal, 'password')
      const passwordHash = await blamingInput(() => hashPassword(password))
      judgePassword(terminal, password, { instead: '--generate' })
      if (generate) {
        await printOnce(terminal, output, { password, passwordHash }, [`password: ${password}`, `passwordHash: ${passwordHash}`], 'run the command again')
      } else {
        printResult(terminal, output, { passwordHash }, () => [passwordHash])
      }
    })
}

function tokenCommand (terminal: Terminal): Command {
  return new Command('token')
    .description('print the SHA-256 digest of a token, for "hash:" of an entry of "tokens:"')
    .option('--generate', 'make the token, and print it as well')
    .addOption(outputOption)
    .addHelpText('after', `
Asks for the token twice; without a terminal, reads it from stdin. A token must
be random, ${MIN_TOKEN_BITS} bits at least: its digest is a fast one.

Examples:
  $ authn-webhook hash token --generate
  $ openssl rand -hex 32 | tee token.txt | authn-webhook hash token`)
    .action(async ({ generate, output }: HashOptions) => {
      const token = generate ? generateToken() : await readNewSecret(terminal, 'token')
      const unpresentable = whyUnpresentable(token)
      if (unpresentable !== undefined) throw new CommandError(unpresentable)
      const hash = digestToken(token)
      if (generate) {
        await printOnce(terminal, output, { token, hash }, [`token: ${token}`, `hash: ${hash}`], 'run the command again')
      } else {
        const bits = estimateTokenBits(token)
        if (bits < MIN_TOKEN_BITS) terminal.note(`warning: this token has ${bits} bits of entropy at most, ${MIN_TOKEN_BITS} are safe; "authn-webhook hash token --generate" makes one`)
        printResult(terminal, output, { hash }, () => [hash])
      }
    })
}
