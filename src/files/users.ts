/**
 * The users file of the static provider: schema, then everything that a schema
 * can't say, each fault with its path and line and all at once. What comes out
 * is ready to be asked.
 */
import { Users } from '../authn/users.js'

/**
 * @throws FaultsError with everything that is wrong with the file
 */
export function parseUsers (text: string, file: string): Users {
  throw new Error('soon', { cause: [text, file] })
}

/**
 * @throws FaultsError; also where the file can't be read
 */
export async function readUsers (file: string): Promise<Users> {
  throw new Error('soon', { cause: file })
}
