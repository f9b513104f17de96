/** The OpenID provider with our configuration: what it offers, and nothing else. */
import type Provider from 'oidc-provider'
import type { Configuration, JWK, KoaContextWithOIDC } from 'oidc-provider'
import type { LoginConfig } from '../../schemas/login.js'
import type { Store } from '../store/store.js'
import type { Accounts, Person } from './accounts.js'
import { CLAIMS, SCOPES, accountOf } from './claims.js'
import { createAdapter } from './adapter.js'
import { CLIENT_DEFAULTS, clientMetadata, usesGrant } from './clients.js'
import type { CookieSettings } from './cookies.js'
import { deviceFlow } from './device-flow.js'
import { loadExistingGrant } from './grants.js'
import { lifetimeOf } from './id-tokens.js'
import { sendErrorPage } from './koa-pages.js'
import { withoutConsole, type Library, type Log } from './library.js'
import { reportToken } from './issued.js'
import type { LoginObserver } from './observer.js'
import type { Pages } from './pages/models.js'
import { registerPasswordGrant, type PasswordGrantOptions } from './password-grant.js'
import { createPrompts } from './prompts.js'
import { seconds } from './seconds.js'
import { signOut } from './sign-out.js'
import type { Signatures } from './signatures.js'

export interface OpenIdProviderOptions extends Pick<PasswordGrantOptions, 'attempts' | 'isThrottled'> {
  readonly library: Library
  readonly config: LoginConfig
  readonly store: Store
  readonly accounts: Accounts
  readonly pages: Pages
  readonly log: Log
  readonly observer: LoginObserver
  /** Path of the issuer, without "/" at the end. */
  readonly base: string
  readonly cookies: CookieSettings
  readonly cookieSignatures: Signatures
  /** Private; the first signs. */
  readonly keys: readonly JWK[]
}

/** Seconds. Nobody takes access tokens; some clients reject a response whose token has expired on arrival. */
const ACCESS_TOKEN_TTL = 60
const INTERACTION_TTL = 15 * 60
const DEVICE_CODE_TTL = 10 * 60
const CODE_TTL = 60
/** A grant is read by the exchange of its code, which may be that of a device. */
const GRANT_TTL = INTERACTION_TTL + DEVICE_CODE_TTL

export function createOpenIdProvider (options: OpenIdProviderOptions): Provider {
  const { library, config, log, observer, attempts, isThrottled } = options
  const provider = withoutConsole(log, () => new library.Provider(config.issuer, configurationOf(options)))
  provider.proxy = true
  if (usesGrant(config.clients, 'password')) {
    registerPasswordGrant(provider, { library, attempts, isThrottled, tokenTTL: seconds(config.tokenTTL), accessTokenTTL: ACCESS_TOKEN_TTL })
  }
  provider.on('grant.success', ctx => { reportToken(observer, ctx) })
  provider.on('server_error', (_ctx: KoaContextWithOIDC, error: Error) => { log.error({ err: error }, 'a sign-in request failed; this is a bug of authn-webhook') })
  for (const event of ['authorization.error', 'grant.error', 'end_session.error', 'device_authorization.error', 'code_verification.error']) {
    provider.on(event as 'grant.error', (_ctx, { error, error_description: description }) => { log.debug({ event, error, description }, 'rejected a request to the OpenID provider') })
  }
  return provider
}

function configurationOf (options: OpenIdProviderOptions): Configuration {
  const { library, config, store, pages, base, cookies, cookieSignatures, keys } = options
  const tokenTTL = seconds(config.tokenTTL)
  return {
    adapter: createAdapter(store, library),
    clients: config.clients.map(clientMetadata),
    clientDefaults: CLIENT_DEFAULTS,
    // browsers call it from pages of this origin alone
    clientBasedCORS: () => false,
    jwks: { keys: keys.map(key => ({ ...key, alg: 'ES256', use: 'sig' })) },
    scopes: SCOPES,
    claims: CLAIMS,
    findAccount: findAccount(options.accounts),
    loadExistingGrant,
    responseTypes: ['code'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
    pkce: { required: () => true },
    // a redirect URI that the client does not name is not one that it expects
    allowOmittingSingleRegisteredRedirectUri: false,
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      resourceIndicators: { enabled: false },
      deviceFlow: deviceFlow(pages, usesGrant(config.clients, 'deviceCode')),
      rpInitiatedLogout: signOut(pages)
    },
    cookies: {
      names: { session: cookies.names.session, interaction: cookies.names.interaction, resume: cookies.names.resume },
      long: cookies.options,
      short: cookies.pathOptions,
      keys: cookieSignatures
    },
    interactions: { policy: createPrompts(library), url: (_ctx, { uid }) => `${base}/interaction/${uid}` },
    renderError (ctx, out, error) { sendErrorPage(ctx, pages, out, error) },
    ttl: {
      AccessToken: ACCESS_TOKEN_TTL,
      AuthorizationCode: CODE_TTL,
      DeviceCode: DEVICE_CODE_TTL,
      Grant: GRANT_TTL,
      IdToken: ({ oidc }) => lifetimeOf(oidc.account?.['person'] as Person, tokenTTL),
      Interaction: INTERACTION_TTL,
      // from the sign-in, however often the session is used
      Session: (_ctx, { loginTs }) => loginTs === undefined ? INTERACTION_TTL : remaining(loginTs, seconds(config.sessionTTL))
    }
  }
}

/** Seconds until a session ends, at least one. @param loginTs seconds since the epoch */
export function remaining (loginTs: number, sessionTTL: number): number {
  return Math.max(loginTs + sessionTTL - Math.floor(Date.now() / 1000), 1)
}

/** In a browser an account is known by its ID, in a token by the subject. */
function findAccount (accounts: Accounts): NonNullable<Configuration['findAccount']> {
  return async (ctx, accountId, code) => {
    const person = await accounts.find(accountId, ctx.ip)
    return person && accountOf(person, code === undefined ? accountId : person.subject)
  }
}
