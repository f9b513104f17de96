/** Pages of signing out: OpenID Connect RP-Initiated Logout 1.0. */
import type { Configuration } from 'oidc-provider'
import { sendPage } from './koa-pages.js'
import type { Pages } from './pages/models.js'

type Logout = NonNullable<NonNullable<Configuration['features']>['rpInitiatedLogout']>

/** As the OpenID provider writes it into its form. */
const FORM = 'op.logoutForm'

export function signOut (pages: Pages): Logout {
  return {
    enabled: true,
    logoutSource (ctx, form) {
      sendPage(ctx, 200, pages.signOut({ form, formId: FORM, clientName: ctx.oidc.client?.clientName }))
    },
    postLogoutSuccessSource (ctx) {
      sendPage(ctx, 200, pages.signedOut())
    }
  }
}
