import { test } from 'tap'
import draining from '../../plugins/draining.js'
import errorHandler from '../../plugins/error-handler.js'
import { ClientCertificateRequiredError, OverloadedError } from '../../src/errors.js'
import { createLogger } from '../../src/logger.js'
import { createAdminServer } from '../../src/http/server.js'
import { silent } from '../fixtures/listener.js'

const lines: string[] = []

async function failing (error: unknown): Promise<ReturnType<typeof createAdminServer>> {
  const app = createAdminServer({ server: { bodyLimit: 1024, timeout: '1s', maxConnections: 10 } } as never)
  await app.register(draining, { maxConnectionAge: 0, log: silent })
  await app.register(errorHandler, { paths: 'GET /', log: await createLogger({ level: 'info', format: 'json', terminal: false, destination: { write (line) { lines.push(line) } } }) })
  app.get('/', async () => { throw error })
  return app
}

test('an error of ours is a Status with its code, reason and message', async t => {
  for (const [error, code, reason] of [[new OverloadedError(), 429, 'TooManyRequests'], [new ClientCertificateRequiredError('show a certificate'), 401, 'Unauthorized']] as const) {
    const reply = await (await failing(error)).inject('/')
    t.equal(reply.statusCode, code)
    t.strictSame(reply.json(), { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: error.message, reason, code })
    t.notOk(reply.headers['retry-after'])
  }
})

test('a bug says nothing to the caller and everything to the log', async t => {
  const reply = await (await failing(new TypeError('x is not a function'))).inject('/?canary')
  t.strictSame(reply.json(), { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: 'internal error', reason: 'InternalError', code: 500 })
  const line = JSON.parse(lines.at(-1)!)
  t.match(line, { level: 'error', err: { message: 'x is not a function', stack: /error-handler\.test/ }, route: '/' })
  t.notMatch(lines.at(-1), 'canary')
})
