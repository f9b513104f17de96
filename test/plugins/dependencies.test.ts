/** A plugin that is registered before what it depends on says so at the start, not at the first request. */
import Fastify, { type FastifyInstance } from 'fastify'
import { test, type Test } from 'tap'
import draining from '../../plugins/draining.js'
import errorHandler from '../../plugins/error-handler.js'
import tls from '../../plugins/tls.js'
import tokenReview from '../../plugins/token-review.js'
import { unobserved } from '../../src/authn/observer.js'
import { readServingCertificate } from '../../src/certificates/serving-certificate.js'
import { createReviewServer } from '../../src/http/server.js'
import { makeConfig, makeFiles, silent } from '../fixtures/listener.js'

const cases: Array<[what: string, register: (t: Test) => PromiseLike<unknown>, missing: RegExp]> = [
  ['draining on a bare server', () => Fastify().register(draining, { maxConnectionAge: 0, log: silent }), /decorator 'limits' required by 'draining' is not present/],
  ['error-handler without draining', async t => await (await reviewServer(t)).register(errorHandler, { log: silent, paths: '/' }), /decorator 'httpSessions' required by 'error-handler' is not present/],
  ['token-review without tls', async t => await (await reviewServer(t)).register(tokenReview, { path: '/', timeout: 1, rules: { chain: [], audiences: [], maxTokenBytes: 1 }, log: silent }), /decorator 'requireClientCertificate' required by 'token-review' is not present/],
  ['tls without draining', async t => await registerTls(t, await reviewServer(t)), /decorator 'tcpConnections' required by 'tls' is not present/],
  ['tls with decorators of another plugin', async t => await registerTls(t, (await reviewServer(t)).decorate('tcpConnections').decorate('httpSessions')), /dependency 'draining' of plugin 'tls' is not registered/]
]

for (const [what, register, missing] of cases) {
  test(what, async t => {
    await t.rejects(async () => { await register(t) }, { message: missing })
  })
}

async function registerTls (t: Test, fastify: FastifyInstance): Promise<void> {
  const { tls: config } = await makeFiles(t)
  await fastify.register(tls, { config, log: silent, observer: unobserved })
}

/** A review server without plugins. */
async function reviewServer (t: Test): Promise<FastifyInstance> {
  const { tls } = await makeFiles(t)
  return createReviewServer({ config: makeConfig(tls), certificate: await readServingCertificate(tls) })
}
