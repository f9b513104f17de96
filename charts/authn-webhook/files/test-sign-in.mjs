// helm test: does the sign-in service answer as its issuer, and publish the key that signs?
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { isIPv6 } from 'node:net'
import { json } from 'node:stream/consumers'

const { ISSUER, SCHEME, HOST, PORT } = process.env
const CERTIFICATES = '/etc/authn-webhook/certificates'
const origin = `${SCHEME}://${isIPv6(HOST) ? `[${HOST}]` : HOST}:${PORT}`

const discovery = await get('/.well-known/openid-configuration')
if (discovery.issuer !== ISSUER) fail(`the issuer is ${discovery.issuer}, and login.config.issuer is ${ISSUER}`)
const { x, y } = new X509Certificate(readFileSync(`${CERTIFICATES}/signing.crt`)).publicKey.export({ format: 'jwk' })
const { keys } = await get('/jwks')
if (!keys.some(key => key.x === x && key.y === y)) fail('the first key of login.signingKeys is not published: has the rollout ended?')
console.log(`ok: ${ISSUER} at ${origin}, ${keys.length} ${keys.length === 1 ? 'key' : 'keys'}`)

async function get (path) {
  const { hostname, host, pathname } = new URL(ISSUER)
  const url = `${origin}${pathname === '/' ? '' : pathname}${path}`
  // verified for the name that people type, without the CA that signed it
  const tls = SCHEME === 'https' && { servername: hostname, ca: readFileSync(`${CERTIFICATES}/serving.crt`), allowPartialTrustChain: true }
  const response = await new Promise((resolve, reject) => {
    (SCHEME === 'https' ? https : http).get(url, { headers: { host }, timeout: 5_000, ...tls }, resolve)
      .on('timeout', function () { this.destroy(new Error('no answer in 5 s')) })
      .on('error', reject)
  }).catch(error => fail(`${url}: ${error.message}`))
  if (response.statusCode !== 200) fail(`${url}: status ${response.statusCode}`)
  return await json(response)
}

function fail (message) {
  console.error(message)
  process.exit(1)
}
