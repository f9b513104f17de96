/** What is said of a password that a person chose, before its hash is stored. */
import { MAX_TOKEN_BYTES } from '../../../schemas/limits.js'
import { CommandError } from '../command-error.js'
import type { Terminal } from '../terminal.js'

/** Characters; NIST SP 800-63B, 5.1.1.1. */
const MIN_LENGTH = 8

/**
 * @param options.username if it is not known, one byte is assumed
 * @param options.instead the option that makes a password
 * @throws CommandError for one whose bearer token would be too long to be looked at
 */
export function judgePassword (terminal: Terminal, password: string, { username = 'x', instead }: { username?: string, instead: string }): void {
  // of base64("username:password")
  const bytes = Math.ceil(Buffer.byteLength(`${username}:${password}`) / 3) * 4
  if (bytes > MAX_TOKEN_BYTES) {
    throw new CommandError(`the password is too long: its bearer token, base64("username:password"), would be longer than the ${MAX_TOKEN_BYTES} bytes that are accepted (server.maxTokenBytes); choose a shorter one`)
  }
  if ([...password].length < MIN_LENGTH) terminal.note(`warning: the password has fewer than ${MIN_LENGTH} characters and is easy to guess; ${instead} makes a strong one`)
}
