/**
 * Authenticates everyone as one user, whatever the token; for evaluation only. So
 * it opens only if the config or the command allows it.
 */
import { MockProviderConfig } from '../../../schemas/providers/mock.js'
import { defineIdentityProvider } from '../../../src/authn/provider.js'
import { MockNotAllowedError } from '../../../src/errors.js'

export default defineIdentityProvider<MockProviderConfig>({
  contract: 1,
  kind: 'mock',
  schema: MockProviderConfig,
  validateFiles ({ allowMock }) {
    if (!allowMock) throw new MockNotAllowedError()
  },
  open ({ allowMock, user }, ctx) {
    if (!allowMock && !ctx.allowMock) throw new MockNotAllowedError()
    ctx.log.warn({ username: user.username, groups: user.groups }, 'the mock provider authenticates every caller as this user: do not use it in production')
    return {
      synchronous: ['token'],
      authenticateToken: () => ({ user: structuredClone(user) }),
      lookup: (query) => ('uid' in query ? query.uid === user.uid : query.username === user.username) ? { user: structuredClone(user) } : null
    }
  }
})
