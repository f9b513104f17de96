import type { IdentityProviderConfig } from '../../schemas/config.js'
import type { IdentityProviderDefinition } from './provider.js'

/** An entry of `identityProviders` in the config, with the definition of its kind. */
export interface ConfiguredProvider {
  readonly entry: IdentityProviderConfig
  readonly definition: IdentityProviderDefinition
}
