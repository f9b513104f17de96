import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dump } from 'js-yaml'
import { test } from 'tap'
import { readCertificates, readPrivateKey } from '../../src/files/pem.js'
import { createWebhookKubeconfig, formatWebhookKubeconfig, readWebhookKubeconfig } from '../../src/kubeconfig.js'
import { createAuthority, issueClient } from '../../src/pki.js'

const authority = await createAuthority({ commonName: 'test CA', days: 1 })
const client = await issueClient(authority, { commonName: 'kube-apiserver', days: 1 })
const FILES = { 'ca.crt': authority.cert, 'client.crt': client.cert, 'client.key': client.key, token: 'canary-token\n' }

/** A kubeconfig with the parts that matter, to be bent. */
function kubeconfig ({ cluster = {}, user = {}, ...others }: Record<string, any> = {}): string {
  return dump({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'webhook', cluster: { server: 'https://192.0.2.1:8443/authenticate', ...cluster } }],
    users: [{ name: 'api-server', user }],
    contexts: [{ name: 'webhook', context: { cluster: 'webhook', user: 'api-server' } }],
    'current-context': 'webhook',
    preferences: {},
    ...others
  })
}

test('what is written can be read', async (t) => {
  const directory = t.testdir(FILES)
  const path = (name: string) => join(directory, name)
  const target = {
    server: new URL('https://192.0.2.1:8443/authenticate'),
    authority: await readCertificates(path('ca.crt')),
    client: { certificate: await readCertificates(path('client.crt')), key: await readPrivateKey(path('client.key')) },
    serverName: 'my-authn.kube-system.svc'
  }
  const read = { server: target.server, ca: authority.cert, cert: client.cert, key: client.key, serverName: 'my-authn.kube-system.svc', token: undefined, basic: undefined }
  const file = path('webhook.kubeconfig')
  for (const embed of [true, false]) {
    const text = formatWebhookKubeconfig(createWebhookKubeconfig(target, embed))
    t.equal(text.includes(directory), !embed, 'paths, or data alone')
    await writeFile(file, text)
    t.strictSame(await readWebhookKubeconfig(file), read, `embed: ${embed}`)
  }
  await writeFile(file, formatWebhookKubeconfig(createWebhookKubeconfig({ server: target.server, authority: target.authority }, false)))
  t.match(await readWebhookKubeconfig(file), { ca: authority.cert, cert: undefined, key: undefined, serverName: undefined })
})

test('every way to identify oneself', async (t) => {
  const cases: Array<[what: string, user: object, wanted: object]> = [
    ['a token', { token: 'canary' }, { token: 'canary' }],
    ['a token in a file goes first', { token: 'old', tokenFile: 'token' }, { token: 'canary-token' }],
    ['a user name and password', { username: 'alice', password: 'wonderland' }, { basic: { username: 'alice', password: 'wonderland' } }],
    ['data goes before files', { 'client-certificate': 'none', 'client-certificate-data': Buffer.from(client.cert).toString('base64'), 'client-key': 'client.key' }, { cert: client.cert, key: client.key }],
    ['nothing', {}, { token: undefined, basic: undefined, cert: undefined, key: undefined }]
  ]
  for (const [what, user, wanted] of cases) {
    const file = join(t.testdir({ ...FILES, config: kubeconfig({ user }) }), 'config')
    t.match(await readWebhookKubeconfig(file), wanted, what)
  }
  const nobody = kubeconfig({ users: undefined, contexts: [{ name: 'webhook', context: { cluster: 'webhook' } }] })
  t.match(await readWebhookKubeconfig(join(t.testdir({ config: nobody }), 'config')), { token: undefined, ca: undefined })
})

test('faults have their place', async (t) => {
  const cases: Array<[what: string, text: string, message: RegExp]> = [
    ['clear text', kubeconfig({ cluster: { server: 'http://192.0.2.1' } }), /config:\d+: clusters\[0\]\.cluster\.server: is not an https:\/\/ URL/],
    ['no URL', kubeconfig({ cluster: { server: 'https://a b' } }), /clusters\[0\]\.cluster\.server: is not a URL/],
    ['an unknown context', kubeconfig({ 'current-context': 'prod' }), /config:\d+: current-context: must be one of webhook/],
    ['an unknown cluster', kubeconfig({ contexts: [{ name: 'webhook', context: { cluster: 'x' } }] }), /contexts\[0\]\.context\.cluster: must be one of webhook/],
    ['an unknown user', kubeconfig({ users: [] }), /contexts\[0\]\.context\.user: names something that is not there/],
    ['unverified TLS', kubeconfig({ cluster: { 'insecure-skip-tls-verify': true } }), /insecure-skip-tls-verify: is not supported/],
    ['half a pair', kubeconfig({ user: { 'client-key': 'client.key' } }), /users\[0\]\.user: has one of client certificate and client key/],
    ['a pair that is none', kubeconfig({ user: { 'client-certificate': 'ca.crt', 'client-key': 'client.key' } }), /client\.key: does not belong to the certificate in .*ca\.crt/],
    ['a CA that is not there', kubeconfig({ cluster: { 'certificate-authority': 'none.crt' } }), /none\.crt: does not exist/],
    ['a CA that is none', kubeconfig({ cluster: { 'certificate-authority-data': 'AAAA' } }), /config: holds no certificate/],
    ['no base64', kubeconfig({ cluster: { 'certificate-authority-data': '-----' } }), /certificate-authority-data: is not base64/],
    ['another kind', kubeconfig({ kind: 'Pod' }), /kind: must be "Config"/],
    ['no YAML', '{', /config:\d+: is not valid YAML/]
  ]
  for (const [what, text, message] of cases) {
    const file = join(t.testdir({ ...FILES, config: text }), 'config')
    await t.rejects(readWebhookKubeconfig(file), { name: 'FaultsError', message }, what)
  }
})
