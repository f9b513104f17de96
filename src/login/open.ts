/** Opens what the sign-in service needs beside its routes. */
import type { LoginConfig } from '../../schemas/login.js'
import type { OpenProvider } from '../authn/authenticator.js'
import { SignIn } from '../authn/sign-in.js'
import { openSigningKeys, type SigningKeys, type SigningKeysOptions } from '../session-keys/signing-keys.js'
import { basePath } from './base-path.js'
import { openKubeconfigFiles } from './kubeconfig-files.js'
import type { LoginOptions } from './login.js'
import { assets, createPages, type Asset } from './pages/index.js'
import { loginProviders } from './providers.js'

export interface LoginPartsOptions extends Omit<SigningKeysOptions, 'keys'> {
  readonly config: LoginConfig
  /** All providers of the config. */
  readonly open: readonly OpenProvider[]
  /** Milliseconds, of one check of a password. */
  readonly timeout: number
}

export interface LoginParts extends Pick<LoginOptions, 'signIn' | 'pages' | 'kubeconfig'> {
  readonly keys: SigningKeys
  readonly assets: ReadonlyMap<string, Asset>
  readonly close: () => Promise<void>
}

/** @throws LoginProviderError, ValidationError for a file with errors */
export async function openLoginParts ({ config, open, timeout, log, reportReload }: LoginPartsOptions): Promise<LoginParts> {
  const signIn = new SignIn({ providers: loginProviders(config, open), timeout })
  const kubeconfig = await openKubeconfigFiles(config)
  const keys = await openSigningKeys({ keys: config.signingKeys, log, reportReload })
  return { signIn, kubeconfig, keys, pages: createPages({ base: basePath(config.issuer) }), assets, close: keys.close }
}
