/** Pages that the OpenID provider answers with. */
import type { KoaContextWithOIDC } from 'oidc-provider'
import { errorModel } from './errors.js'
import type { Pages } from './pages/models.js'

/** The part of Koa's context that an answer needs. */
type Answering = Pick<KoaContextWithOIDC, 'status' | 'type' | 'body' | 'remove'>

export function sendPage (ctx: Answering, status: number, html: string): void {
  // of a redirect that failed at its end
  ctx.remove('location')
  ctx.status = status
  ctx.type = 'html'
  ctx.body = html
}

export function sendErrorPage (ctx: Answering, pages: Pages, out: { error: string, error_description?: string | undefined }, error: unknown): void {
  sendPage(ctx, ctx.status, pages.error(errorModel(out, error)))
}
