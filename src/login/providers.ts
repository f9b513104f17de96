/** The providers whose users can sign in. */
import type { LoginConfig } from '../../schemas/login.js'
import type { OpenProvider } from '../authn/authenticator.js'
import { LoginProviderError } from '../errors.js'

/** What signing in needs of a provider. */
const NEEDED = {
  authenticatePassword: 'check passwords',
  lookup: 'look up users without a credential'
} as const

/**
 * Those that `login.providers` names; by default, all that can do what is needed.
 * @throws LoginProviderError if one of them can't, or there is none
 */
export function loginProviders ({ providers: names }: Pick<LoginConfig, 'providers'>, open: readonly OpenProvider[]): readonly OpenProvider[] {
  if (names === undefined) {
    const able = open.filter(each => findLacks(each).length === 0)
    if (able.length === 0) throw new LoginProviderError('login: no identity provider can both check passwords and look up users without a credential: configure one, such as kind: static or ldap')
    return able
  }
  // in the order of the chain
  const chosen = open.filter(({ name }) => names.includes(name))
  const missing = names.find(name => !chosen.some(each => each.name === name))
  if (missing !== undefined) throw new LoginProviderError(`login.providers: no identity provider is named "${missing}"`)
  for (const each of chosen) {
    const lacks = findLacks(each)
    if (lacks.length > 0) throw new LoginProviderError(`login.providers: "${each.name}" (kind ${each.kind}) can't ${lacks.join(', and can\'t ')}: its users can't sign in; remove it from the list`)
  }
  return chosen
}

function findLacks ({ provider }: OpenProvider): string[] {
  return (Object.keys(NEEDED) as Array<keyof typeof NEEDED>).filter(method => provider[method] === undefined).map(method => NEEDED[method])
}
