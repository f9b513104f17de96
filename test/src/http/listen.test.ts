import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { test, type Test } from 'tap'
import { openListener } from '../../../src/http/listen.js'

/** No machine of ours has it, as one without IPv6 has no `::`. */
const NOBODYS = '192.0.2.1'

function app (t: Test): FastifyInstance {
  const fastify = Fastify()
  t.teardown(async () => { await fastify.close() })
  return fastify
}

function addressOf (fastify: FastifyInstance): string {
  return (fastify.server.address() as AddressInfo).address
}

test('every address by default', async t => {
  const fastify = app(t)
  await openListener(fastify, 'server', { port: 0 })
  const { port } = fastify.server.address() as AddressInfo
  t.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 404)
})

test('the next address if the machine does not have the first', async t => {
  const fastify = app(t)
  await openListener(fastify, 'server', { port: 0 }, [NOBODYS, '127.0.0.1'])
  t.equal(addressOf(fastify), '127.0.0.1')
  t.equal((await fetch(`http://127.0.0.1:${(fastify.server.address() as AddressInfo).port}/`)).status, 404, 'and it serves')
})

test('a kernel without IPv6', async t => {
  const tried: unknown[] = []
  // no kernel of a test machine lacks it
  const fastify = {
    listen: async (options: { host: string }) => {
      tried.push(options)
      if (options.host === '::') throw Object.assign(new Error('listen EAFNOSUPPORT: address family not supported :::8443'), { code: 'EAFNOSUPPORT' })
    }
  } as unknown as FastifyInstance
  await openListener(fastify, 'admin', { port: 8443 })
  t.same(tried, [{ host: '::', port: 8443 }, { host: '0.0.0.0', port: 8443 }])
  await t.rejects(openListener(fastify, 'admin', { host: '::', port: 8443 }), { listener: 'admin', host: '::', port: 8443, cause: { code: 'EAFNOSUPPORT' } }, 'an address that was asked for is no default')
})

test('an address that is asked for is the only one that is tried', async t => {
  const fastify = app(t)
  await t.rejects(openListener(fastify, 'server', { host: NOBODYS, port: 0 }, ['127.0.0.1']), { listener: 'server', host: NOBODYS, port: 0, cause: { code: 'EADDRNOTAVAIL' } })
})

test('a port that is in use is not looked for elsewhere', async t => {
  const blocker = createServer().listen(0, '127.0.0.1')
  await once(blocker, 'listening')
  t.teardown(() => { blocker.close() })
  const { port } = blocker.address() as AddressInfo
  await t.rejects(openListener(app(t), 'server', { port }, ['127.0.0.1', '127.0.0.2']), { code: 'AUTHN_LISTEN', host: '127.0.0.1', port, cause: { code: 'EADDRINUSE' } })
})
