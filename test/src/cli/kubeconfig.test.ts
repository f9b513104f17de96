import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { test } from 'tap'
import { readCertificates, readPrivateKey } from '../../../src/certificates/pem.js'
import { readKubeconfig } from '../../../src/cli/commands/target-options.js'
import { createWebhookKubeconfig, formatWebhookKubeconfig, readWebhookKubeconfig } from '../../../src/cli/kubeconfig.js'
import { openTerminal } from '../../../src/cli/terminal.js'
import { FILES, KUBECONFIGS, kubeconfig } from '../../fixtures/kubeconfigs.js'

const ca = { cert: FILES['ca.crt'] }
const client = { cert: FILES['client.crt'], key: FILES['client.key'] }

test('what is written can be read', async (t) => {
  const directory = t.testdir(FILES)
  const path = (name: string) => join(directory, name)
  const target = {
    server: new URL('https://192.0.2.1:8443/authenticate'),
    ca: await readCertificates(path('ca.crt')),
    client: { certificate: await readCertificates(path('client.crt')), key: await readPrivateKey(path('client.key')) },
    serverName: 'authn-webhook.kube-system.svc'
  }
  const read = { server: target.server, ca: ca.cert, cert: client.cert, key: client.key, serverName: 'authn-webhook.kube-system.svc', token: undefined, basic: undefined }
  const file = path('webhook.kubeconfig')
  for (const embed of [true, false]) {
    const text = formatWebhookKubeconfig(createWebhookKubeconfig(target, embed))
    t.equal(text.includes(directory), !embed, 'paths, or data alone')
    await writeFile(file, text)
    t.strictSame(await readWebhookKubeconfig(file), read, `embed: ${embed}`)
  }
  await writeFile(file, formatWebhookKubeconfig(createWebhookKubeconfig({ server: target.server, ca: target.ca }, false)))
  t.match(await readWebhookKubeconfig(file), { ca: ca.cert, cert: undefined, key: undefined, serverName: undefined })
})

for (const { what, text, reads, error } of KUBECONFIGS) {
  test(what, async (t) => {
    const file = join(t.testdir({ ...FILES, config: text }), 'config')
    if (error === undefined) t.match(await readWebhookKubeconfig(file), reads)
    else await t.rejects(readWebhookKubeconfig(file), { name: 'ValidationError', message: error })
  })
}

test('no error repeats a secret', async (t) => {
  const user = { username: 'alice', token: 'canary-1', password: 'canary-2', as: 'bob', 'client-key-data': 'canary 3' }
  for (const parts of [{ cluster: { server: 'https://alice:canary@[' } }, { cluster: { server: 'https://alice:canary%ff@192.0.2.1' } }, { user }, { user: { ...user, 'client-key-data': null } }]) {
    const file = join(t.testdir({ config: kubeconfig(parts) }), 'config')
    const error = await readWebhookKubeconfig(file).catch((error: Error) => error)
    t.match(error, { name: 'ValidationError' })
    t.notMatch(String(error), 'canary')
  }
})

test('a context whose user is not there is taken as an API server takes it, with a warning', async t => {
  const cluster = { server: 'https://192.0.2.1' }
  const config = (user: string) => JSON.stringify({ apiVersion: 'v1', kind: 'Config', clusters: [{ name: 'a', cluster }], users: [], contexts: [{ name: 'a', context: { cluster: 'a', user } }], 'current-context': 'a' })
  const dir = t.testdir({ named: config('api-server'), unnamed: config('') })
  const stderr = new PassThrough({ encoding: 'utf8' })
  const terminal = openTerminal({ stdin: process.stdin, stdout: process.stdout, stderr, env: {} })
  for (const name of ['named', 'unnamed']) t.match(await readKubeconfig(join(dir, name), terminal), { cert: undefined, authorization: undefined }, name)
  t.equal(stderr.read(), `warning: ${dir}/named: contexts[0].context.user: there is no such user; API servers send no credential then\n`)
})
