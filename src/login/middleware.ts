/** What surrounds the OpenID provider in each request. */
import type { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { Browser, type BrowserOptions } from './browser.js'
import { TEMPORARILY_UNAVAILABLE, translateOutage } from './errors.js'
import { ERRORS } from './pages/texts.js'
import { sendErrorPage, sendPage } from './koa-pages.js'
import type { Library, Log } from './library.js'
import type { Pages } from './pages/models.js'
import { allowFormAction } from './security-headers.js'

type Context = Parameters<Parameters<Provider['use']>[0]>[0]

interface Answering {
  readonly res: ServerResponse
}

export interface MiddlewareOptions {
  readonly library: Library
  /** Path of the issuer, without "/" at the end. */
  readonly base: string
  readonly browser: BrowserOptions
  /** Name of the cookie of the browser session. */
  readonly session: string
  readonly pages: Pages
  readonly log: Log
}

export function useMiddleware (provider: Provider, { library, base, browser, session, pages, log }: MiddlewareOptions): void {
  const { SessionNotFound } = library.errors
  const emitter: EventEmitter = provider
  emitter.on('error', (error: Error) => { log.error({ err: error }, 'a sign-in request failed; this is a bug of authn-webhook') })
  provider.use(async (ctx, next) => {
    try {
      await next()
    } catch (thrown) {
      if (isLostSession(thrown)) {
        ctx.status = 400
        sendErrorPage(ctx, pages, { error: 'invalid_request' }, new SessionNotFound('the browser has no session'))
      } else {
        sendOutage(ctx, translateOutage(library, thrown), pages, log)
      }
    }
    // a request with an old cookie must not sign the browser out
    if (ctx.status >= 400) keepCookie(ctx, session)
  })
  provider.use(async (ctx, next) => {
    // where the provider's own URLs begin; the path it sees is without
    ctx['mountPath'] = base
    const [, uid] = /^\/(?:auth|device)\/([A-Za-z0-9_-]+)$/.exec(ctx.path) ?? []
    if (ctx.method === 'GET' && uid !== undefined && !await isOwnBrowser(provider, uid, new Browser(ctx.cookies, browser))) {
      ctx.status = 400
      sendErrorPage(ctx, pages, { error: 'invalid_request' }, new SessionNotFound('the sign-in belongs to another browser'))
      return
    }
    await next()
    finish(ctx)
  })
}

/** The OpenID provider fails in this way to save a session that a stranger's request did not have. */
function isLostSession (error: unknown): boolean {
  return error instanceof TypeError && error.message.includes('previously persisted')
}

/** Takes back a change of a cookie. */
function keepCookie ({ res }: Answering, name: string): void {
  const cookies = [res.getHeader('set-cookie') ?? []].flat().map(String)
  res.removeHeader('set-cookie')
  const others = cookies.filter(cookie => !cookie.startsWith(`${name}=`) && !cookie.startsWith(`${name}.sig=`))
  if (others.length > 0) res.setHeader('set-cookie', others)
}

/** The cookies of a sign-in can be planted by another host of the same domain, so the browser that typed the password must be the one that goes on. */
async function isOwnBrowser (provider: Provider, uid: string, browser: Browser): Promise<boolean> {
  const interaction = await provider.Interaction.find(uid)
  const login = interaction?.result?.login
  return login === undefined || login['browser'] === browser.digest
}

/** Errors outside of the provider's own handlers, such as that of the store when a session is saved. */
function sendOutage (ctx: Context, error: unknown, pages: Pages, log: Log): void {
  const outage = error instanceof Error && error.message === TEMPORARILY_UNAVAILABLE.error
  if (!outage) log.error({ err: error }, 'a sign-in request failed; this is a bug of authn-webhook')
  const status = outage ? 503 : 500
  if (ctx.accepts('json', 'html') === 'html') {
    sendPage(ctx, status, pages.error(outage ? ERRORS.unavailable : ERRORS.internal))
  } else {
    ctx.status = status
    ctx.body = outage ? TEMPORARILY_UNAVAILABLE : { error: 'server_error' }
  }
}

/** Parts of the discovery document that are not so, as nothing switches them off. */
function finish (ctx: Context): void {
  // absent for paths that are not the provider's
  const oidc: KoaContextWithOIDC['oidc'] | undefined = ctx['oidc']
  if (oidc?.route === 'discovery') {
    const document = ctx.body as { claims_supported: string[] }
    ctx.body = { ...document, claims_supported: document.claims_supported.filter(claim => claim !== 'sid') }
  }
  const uri = oidc === undefined ? undefined : nextURI(oidc)
  const policy = ctx.response.get('content-security-policy')
  if (uri !== undefined && ctx.type === 'text/html') ctx.set('content-security-policy', allowFormAction(policy, uri))
}

/** Where the forms of a page end; registered for the client. */
function nextURI ({ client, entities, params }: KoaContextWithOIDC['oidc']): string | undefined {
  const { redirect_uri: redirectURI = entities.Interaction?.params['redirect_uri'], post_logout_redirect_uri: afterLogout } = params ?? {}
  if (typeof redirectURI === 'string') return client?.redirectUriAllowed(redirectURI) === true || entities.Interaction !== undefined ? redirectURI : undefined
  return typeof afterLogout === 'string' && client?.postLogoutRedirectUriAllowed(afterLogout) === true ? afterLogout : undefined
}
