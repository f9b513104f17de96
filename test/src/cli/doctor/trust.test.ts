/** Trust as Go has it: by the best of all paths. What OpenSSL thinks of each is not asked. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:https'
import { test } from 'tap'
import { requestReview, type Target } from '../../../../src/cli/client.js'
import { checkTrust } from '../../../../src/cli/doctor/trust.js'
import { bundleCases } from '../../../fixtures/ca-bundles.js'
import { V1 } from '../../../fixtures/service.js'

const ANSWER = JSON.stringify({ apiVersion: V1, kind: 'TokenReview', status: { authenticated: false } })

for (const identifiers of [true, false]) {
  test(`CA bundles, ${identifiers ? 'with' : 'without'} key identifiers`, async t => {
    for (const { what, sends, key, trusts, trusted, expired } of await bundleCases(identifiers)) {
      await t.test(what, async t => {
        const server = createServer({ cert: sends.join(''), key }, (_, response) => { response.end(ANSWER) }).listen(0, '127.0.0.1')
        await once(server, 'listening')
        t.teardown(() => {
          server.closeAllConnections()
          server.close()
        })
        const target: Target = { server: new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`), ca: trusts.join(''), serverName: 'localhost' }
        const trust = await checkTrust(target, Date.now(), 10_000)
        const outcomes = Object.fromEntries(trust.checks.map(({ name, outcome }) => [name, outcome]))
        t.match(outcomes, trusted
          ? { san: 'ok', chain: 'ok', expiry: 'ok' }
          : expired === true ? { san: 'ok', chain: 'skipped', expiry: 'failed' } : { san: 'ok', chain: 'failed' })
        if (trusted) t.strictSame(await requestReview(trust.target, V1, { token: 'x' }), { authenticated: false }, 'and can be asked')
        else await t.rejects(requestReview(trust.target, V1, { token: 'x' }), { message: /cannot reach/ }, 'and is not asked')
      })
    }
  })
}
