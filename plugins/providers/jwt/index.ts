/**
 * The jwt provider: verifies tokens of OpenID Connect issuers, and maps their
 * claims as the API server's structured authentication does.
 *
 *     kind: jwt
 *     config:
 *       issuers:
 *         - issuer: { url: https://sso.example.com, audiences: [kubernetes] }
 *           claimMappings: { username: { claim: sub, prefix: "" } }
 *
 * A token of another issuer costs no signature and no request.
 */
import { JwtProviderConfig } from '../../../schemas/providers/jwt.js'
import { defineIdentityProvider, type OpenContext } from '../../../src/authn/provider.js'
import { openRevocations } from '../../../src/revocations-file/reload.js'
import { EVENTS } from './events.js'
import { openIssuers } from './issuers/issuers.js'
import { JwtProvider } from './provider.js'
import { reportsOf } from './reload-reports.js'
import { validateConfig, validateConfigFiles } from './validate.js'

export default defineIdentityProvider<JwtProviderConfig>({
  contract: 1,
  kind: 'jwt',
  schema: JwtProviderConfig,
  events: EVENTS,
  validate: validateConfig,
  validateFiles: validateConfigFiles,
  async open (config, context) {
    const { revocationsFile } = config
    const nextReport = reportsOf(context.reportReload)
    // each file reports its reloads by itself
    const ctx: OpenContext = { ...context, get reportReload () { return nextReport() } }
    const revocations = revocationsFile === undefined ? undefined : await openRevocations(ctx.resolvePath(revocationsFile), ctx)
    try {
      return new JwtProvider({ issuers: await openIssuers(config, ctx), revocations, ctx })
    } catch (error) {
      revocations?.close()
      throw error
    }
  }
})
