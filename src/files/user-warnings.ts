/** What a users file may say and hardly means: names that are reserved for Kubernetes. */
import type { UserInfo } from '../../schemas/token-review.js'
import type { ReservedName } from '../authn/reserved.js'
import type { Users } from '../authn/users.js'
import { MAX_FAULTS, type Fault } from '../errors.js'
import { Outline } from './outline.js'

/** @param text that `users` were read from */
export function findUserWarnings (text: string, users: Users, findReservedNames: (user: UserInfo) => readonly ReservedName[]): Fault[] {
  const found = [...users].flatMap(({ info }, index) => findReservedNames(info).map(({ path, message }) => ({ path: `users[${index}].${path}`, message })))
  if (found.length === 0) return []
  const outline = new Outline(text)
  const warnings: Fault[] = found.slice(0, MAX_FAULTS).map((warning) => ({ ...warning, line: outline.lineOf(warning.path) }))
  if (found.length > MAX_FAULTS) warnings.push({ path: '', message: `${found.length - MAX_FAULTS} more warnings` })
  return warnings
}
