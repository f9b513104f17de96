/** What a new password must fulfil before its hash is stored. */
import { MAX_TOKEN_BYTES } from '../../../schemas/limits.js'
import { CommandError } from '../command-error.js'
import type { Terminal } from '../terminal.js'

/** Characters; NIST SP 800-63B, 5.1.1.1. */
const MIN_LENGTH = 8

/**
 * Warns of a short password.
 * @param options.username one byte is assumed if it is unknown
 * @param options.generateOption the option that generates a password
 * @throws CommandError if its bearer token exceeds the limit of the service
 */
export function applyPasswordPolicy (terminal: Terminal, password: string, { username = 'x', generateOption }: { username?: string, generateOption: string }): void {
  // of base64("username:password")
  const bytes = Math.ceil(Buffer.byteLength(`${username}:${password}`) / 3) * 4
  if (bytes > MAX_TOKEN_BYTES) {
    throw new CommandError(`the password is too long: its bearer token, base64("username:password"), exceeds ${MAX_TOKEN_BYTES} bytes (server.maxTokenBytes); choose a shorter one`)
  }
  if ([...password].length < MIN_LENGTH) terminal.note(`warning: the password has fewer than ${MIN_LENGTH} characters and is easy to guess; ${generateOption} generates a strong one`)
}
