/** The sign-in service, apart from its routes: what they share, and the OpenID provider with the current keys. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'
import type { JWK } from 'oidc-provider'
import type { LoginConfig } from '../../schemas/login.js'
import type { SignIn } from '../authn/sign-in.js'
import type { Store } from '../store/store.js'
import { Accounts } from './accounts.js'
import type { BrowserRequest } from './answer.js'
import { basePath } from './base-path.js'
import { Browser, type BrowserOptions } from './browser.js'
import type { KubeconfigFile } from './kubeconfig.js'
import { cookieSettings, deriveKeys, type CookieSettings } from './cookies.js'
import { loadLibrary, type Library, type Log } from './library.js'
import { useMiddleware } from './middleware.js'
import { createOpenIdProvider } from './openid-provider.js'
import type { ClientModel, Pages } from './pages/models.js'
import type { LoginObserver } from './observer.js'
import { PasswordAttempts } from './password-attempts.js'
import { Signatures } from './signatures.js'

/** The private keys of session tokens. */
export interface SigningKeySource {
  /** The first signs, all are published. */
  readonly current: ReadonlyArray<{ readonly jwk: JWK }>
  readonly onChange: (listener: () => void) => void
}

export interface LoginOptions {
  readonly config: LoginConfig
  readonly signIn: SignIn
  readonly store: Store
  readonly keys: SigningKeySource
  readonly pages: Pages
  /** A kubeconfig of the client; `undefined`: there is no such variant. */
  readonly kubeconfig: (variant: string, client: ClientModel) => Promise<KubeconfigFile | undefined>
  readonly observer: LoginObserver
  readonly log: Log
  /** Counts an attempt of the address that sent the request. */
  readonly isThrottled: (request: IncomingMessage) => Promise<boolean>
}

export class Login {
  readonly library: Library
  readonly config: LoginConfig
  readonly pages: Pages
  readonly kubeconfig: LoginOptions['kubeconfig']
  readonly isThrottled: LoginOptions['isThrottled']
  readonly accounts: Accounts
  readonly attempts: PasswordAttempts
  readonly observer: LoginObserver
  /** Path of the issuer, without "/" at the end. */
  readonly base: string
  readonly #options: LoginOptions
  readonly #cookies: CookieSettings
  #current!: { readonly provider: Provider, readonly handle: ReturnType<Provider['callback']>, readonly browser: BrowserOptions }

  constructor (library: Library, options: LoginOptions) {
    const { config, pages, kubeconfig, isThrottled, signIn, observer, log } = options
    this.library = library
    this.config = config
    this.pages = pages
    this.kubeconfig = kubeconfig
    this.isThrottled = isThrottled
    this.observer = observer
    this.base = basePath(config.issuer)
    this.accounts = new Accounts(signIn, library, log)
    this.attempts = new PasswordAttempts({ signIn, accounts: this.accounts, observer, log })
    this.#options = options
    this.#cookies = cookieSettings(this.base)
    this.#open()
    // requests in flight end with the provider that they began with; sessions are in the store
    options.keys.onChange(() => { this.#open() })
  }

  #open (): void {
    const { library, accounts, attempts, base } = this
    const { config, store, pages, log, observer, isThrottled } = this.#options
    const keys = this.#options.keys.current.map(({ jwk }) => jwk)
    const secrets = keys.map(({ d }) => d as string)
    const browser = { name: this.#cookies.names.browser, options: this.#cookies.options, signatures: new Signatures(deriveKeys(secrets, 'forms')) }
    const provider = createOpenIdProvider({ library, config, store, accounts, pages, log, observer, base, cookies: this.#cookies, cookieSignatures: new Signatures(deriveKeys(secrets, 'cookies')), keys, attempts, isThrottled })
    useMiddleware(provider, { library, base, browser, session: this.#cookies.names.session, pages, log })
    this.#current = { provider, handle: provider.callback(), browser }
  }

  provider (): Provider {
    return this.#current.provider
  }

  /** Answers with the OpenID provider. */
  async handle (request: IncomingMessage, response: ServerResponse): Promise<void> {
    await this.#current.handle(request, response)
  }

  browserOf ({ request, response }: BrowserRequest): Browser {
    const { provider, browser } = this.#current
    return new Browser(provider.createContext(request, response).cookies, browser)
  }

  /** The browser session; a new one, which is not stored, if there is none. */
  async sessionOf ({ request, response }: BrowserRequest) {
    const { provider } = this.#current
    return await provider.Session.get(provider.createContext(request, response))
  }

  setSessionCookie ({ request, response }: BrowserRequest, id: string, expires: Date): void {
    const { names, options } = this.#cookies
    this.#current.provider.createContext(request, response).cookies.set(names.session, id, { ...options, expires })
  }
}

export async function openLogin (options: LoginOptions): Promise<Login> {
  return new Login(await loadLibrary(options.log), options)
}
