/** A new password of a user, and its hash. */
import { passwordToken } from '../../../authn/credential.js'
import type { Terminal } from '../../terminal.js'
import { judgePassword } from '../new-password.js'
import { blamingInput, generatePassword, promptTwice, readSecretFile } from '../secret-input.js'
import type { PasswordOptions } from './options.js'

export interface NewPassword {
  readonly hash: string
  /** The password itself, where it was made here. */
  readonly generated?: string
}

/**
 * `undefined` where no option asks for one.
 * @throws CommandError for a name or a password that no bearer token can carry
 */
export async function readPassword (terminal: Terminal, username: string, options: PasswordOptions): Promise<NewPassword | undefined> {
  const { password: ask, passwordFile, generatePassword: generate } = options
  if (ask !== true && passwordFile === undefined && generate !== true) return undefined
  // a name that can't have a password is said before anybody types one
  await blamingInput(() => passwordToken({ username, password: 'x' }))
  const password = await readOrMake(terminal, options)
  await blamingInput(() => passwordToken({ username, password }))
  judgePassword(terminal, password, { username, instead: '--generate-password' })
  const { hashPassword } = await import('../../../authn/password-hash.js')
  return { hash: await hashPassword(password), ...(generate && { generated: password }) }
}

async function readOrMake (terminal: Terminal, { passwordFile, generatePassword: generate }: PasswordOptions): Promise<string> {
  if (generate) return generatePassword()
  if (passwordFile !== undefined) return await readSecretFile(terminal, passwordFile)
  return await promptTwice(terminal, 'password', '--password-file FILE, or --password-file - for stdin')
}
