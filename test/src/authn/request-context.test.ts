import { test } from 'tap'
import { createAuthenticators } from '../../../src/authn/authenticator.js'
import { Deadline } from '../../../src/authn/deadline.js'
import { digestOf } from '../../../src/authn/request-context.js'
import { digestToken } from '../../../src/authn/token-digest.js'
import { openTestProviders } from '../../fixtures/open-providers.js'

test('the digest of a request\'s token is taken from its credential, and that of any other token computed', async t => {
  const digests: string[] = []
  const { open } = await openTestProviders(t, {
    people: {
      provider: {
        authenticateToken (token, ctx) {
          for (const context of [ctx, { ...ctx }]) digests.push(digestOf(token, context), digestOf('another', context))
          return null
        }
      }
    }
  })
  const credential = { token: 'x', digest: 'the digest of x', jwt: false, passwordCredential: undefined }
  await open.flatMap(createAuthenticators)[0]!.authenticate({ credential, audiences: [], deadline: new Deadline(60_000) })
  const another = digestToken('another')
  t.strictSame(digests, ['the digest of x', another, 'the digest of x', another])
})
