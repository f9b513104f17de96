/** A new password of a user. */
import { passwordToken } from '../../../authn/credential.js'
import type { Terminal } from '../../terminal.js'
import { applyPasswordPolicy } from '../password-policy.js'
import { asInputError, generatePassword, promptTwice, readSecretFile } from '../secret-input.js'
import type { PasswordOptions } from './options.js'

export interface NewPassword {
  readonly hash: string
  /** The password itself, if it was generated. */
  readonly generated?: string
}

/**
 * `undefined` without any of the options.
 * @throws CommandError for a name or a password that no bearer token can carry
 */
export async function readNewPassword (terminal: Terminal, username: string, { password: prompt, passwordFile, generatePassword: generate }: PasswordOptions): Promise<NewPassword | undefined> {
  if (prompt !== true && passwordFile === undefined && generate !== true) return undefined
  // reports an invalid name before the prompt
  await asInputError(() => passwordToken({ username, password: 'x' }))
  const password = generate
    ? generatePassword()
    : passwordFile !== undefined
      ? await readSecretFile(terminal, passwordFile)
      : await promptTwice(terminal, 'password', '--password-file FILE, or --password-file - for stdin')
  await asInputError(() => passwordToken({ username, password }))
  applyPasswordPolicy(terminal, password, { username, generateOption: '--generate-password' })
  const { hashPassword } = await import('../../../authn/password-hash.js')
  return { hash: await hashPassword(password), ...(generate && { generated: password }) }
}
