/** What is valid in a users file, but probably a mistake: names that are reserved for Kubernetes, weak hashes. */
import type { UserInfo } from '../../schemas/token-review.js'
import { whyWeak } from '../authn/password-hash.js'
import type { ReservedName } from '../authn/reserved.js'
import type { UserEntry, Users } from './users.js'
import { MAX_ERRORS, type FieldError } from '../errors.js'
import { YamlPositions } from '../documents/yaml-positions.js'

/** @param text that `users` were read from */
export function findUserWarnings (text: string, users: Users, findReservedNames: (user: UserInfo) => readonly ReservedName[]): FieldError[] {
  // most files have none, and no hash needs to be parsed
  const weak = users.costs.some(cost => whyWeak(cost) !== undefined)
  const found = [...users].flatMap((user, index) => {
    const warnings = [...findReservedNames(user.info), ...weak ? findWeakHash(user) : []]
    return warnings.map(({ path, message }) => ({ path: `users[${index}].${path}`, message }))
  })
  if (found.length === 0) return []
  const outline = new YamlPositions(text)
  const warnings: FieldError[] = found.slice(0, MAX_ERRORS).map((warning) => ({ ...warning, line: outline.lineOf(warning.path) }))
  if (found.length > MAX_ERRORS) warnings.push({ path: '', message: `${found.length - MAX_ERRORS} more warnings` })
  return warnings
}

function findWeakHash ({ passwordHash }: UserEntry): Array<{ path: string, message: string }> {
  const message = passwordHash && whyWeak(passwordHash.cost)
  return message === undefined ? [] : [{ path: 'passwordHash', message }]
}
