/** Which issuers are asked through a proxy. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { test, type Test } from 'tap'
import { remoteKeys } from '../../../plugins/providers/jwt/keys/remote-keys.js'
import { proxyFor } from '../../../src/requests/proxy.js'
import { createCA } from '../../../src/certificates/issue.js'
import { json, makeJWK, recordLog, scriptIssuer } from '../../fixtures/scripted-issuer.js'

const forever = new AbortController().signal

test('the environment is read as Go does', async t => {
  const cases: Array<[host: string, env: Record<string, string>, httpsProxy: string, noProxy: string]> = [
    ['sso.example.com', {}, '', ''],
    ['sso.example.com', { HTTPS_PROXY: 'http://proxy:3128', https_proxy: 'http://other:1' }, 'http://proxy:3128', ''],
    ['sso.example.com', { https_proxy: 'http://proxy:3128', no_proxy: '.example.org' }, 'http://proxy:3128', '.example.org'],
    ['sso.example.com', { HTTPS_PROXY: 'proxy:3128' }, 'http://proxy:3128', ''],
    ['sso.example.com', { HTTP_PROXY: 'http://proxy:3128', http_proxy: 'http://proxy:3128' }, '', ''],
    ['sso.example.com', { NO_PROXY: 'a', no_proxy: 'b' }, '', 'a'],
    ['localhost', { NO_PROXY: 'a' }, '', '*'],
    ['127.8.9.10', {}, '', '*'],
    ['[::1]', {}, '', '*'],
    ['10.1.2.3', {}, '', ''],
    ['10.1.2.3', { NO_PROXY: 'example.org, 10.0.0.0/8' }, '', '*'],
    ['10.1.2.3', { NO_PROXY: '10.2.0.0/16,10.1.2.4/32' }, '', '10.2.0.0/16,10.1.2.4/32'],
    ['[fd00::5]', { NO_PROXY: 'fd00::/8' }, '', '*'],
    ['10.1.2.3', { NO_PROXY: 'example.org,10.1.2.3' }, '', '*'],
    ['[fd00::5]', { NO_PROXY: 'fd00::5' }, '', '*'],
    ['sso.example.com', { NO_PROXY: 'localhost,*' }, '', '*'],
    ['sso.example.com', { NO_PROXY: '*.example.com' }, '', '*.example.com'],
    ['[fe00::5]', { NO_PROXY: 'fd00::/8' }, '', 'fd00::/8'],
    ['10.1.2.3', { NO_PROXY: '10.0.0.0/33,10.0.0.0/x,/8,10.0.0.0/' }, '', '10.0.0.0/33,10.0.0.0/x,/8,10.0.0.0/']
  ]
  for (const [host, env, httpsProxy, noProxy] of cases) t.same(proxyFor(new URL(`https://${host}`), env), { httpsProxy, noProxy }, `${host} ${JSON.stringify(env)}`)
})

/** A proxy whose every tunnel leads to the one port. @param code in place of a tunnel */
async function startProxy (t: Test, port: number, code?: number): Promise<{ readonly address: string, readonly tunnels: string[] }> {
  const tunnels: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer().on('connect', (request, client: Socket) => {
    tunnels.push(`${request.url} ${request.headers['proxy-authorization']}`)
    if (code !== undefined) {
      client.end(`HTTP/1.1 ${code} No\r\n\r\n`)
      return
    }
    const upstream = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      client.pipe(upstream).pipe(client)
    })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, tunnels }
}

function setEnv (t: Test, variables: Record<string, string>): void {
  Object.assign(process.env, variables)
  t.teardown(() => { for (const name of Object.keys(variables)) delete process.env[name] })
}

test('an issuer behind a proxy', async t => {
  const issuer = await scriptIssuer(t, { name: 'sso.example.com' })
  issuer.jwks = json({ keys: [await makeJWK('ES256', { kid: 'a' })] })
  const ping = async (t: Test, ca = issuer.ca): Promise<void> => {
    const keys = remoteKeys({ issuer: issuer.url, ca: () => ca, log: recordLog().log, timeout: 30_000 })
    t.teardown(() => { keys.close() })
    await keys.ping(forever)
  }

  t.test('is reached by a tunnel, and its certificate is verified', async t => {
    const { address, tunnels } = await startProxy(t, issuer.port)
    setEnv(t, { HTTPS_PROXY: `http://user:canary@${address}` })
    await ping(t)
    const expected = `sso.example.com:${issuer.port} Basic ${Buffer.from('user:canary').toString('base64')}`
    t.same(tunnels, [expected, expected])
    const { cert } = await createCA({ commonName: 'another CA', days: 1 })
    await t.rejects(ping(t, cert), { message: /not signed by a trusted CA/ })
  })

  t.test('that rejects the tunnel', async t => {
    const { address } = await startProxy(t, issuer.port, 407)
    setEnv(t, { HTTPS_PROXY: `http://user:canary@${address}` })
    const error = await ping(t).catch((error: unknown) => error as Error)
    t.match(error, { code: 'AUTHN_KEY_SOURCE', message: /: Proxy response \(407\)/ })
    t.notMatch(String(error), /canary/)
  })

  t.test('whose URL is wrong', async t => {
    setEnv(t, { HTTPS_PROXY: 'http://user:canary@:99999' })
    const error = await ping(t).catch((error: unknown) => error as Error)
    t.match(error, { code: 'AUTHN_KEY_SOURCE', message: /: HTTPS_PROXY is not usable: Invalid URL$/ })
  })
})
