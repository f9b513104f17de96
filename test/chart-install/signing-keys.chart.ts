/** The signing keys that the chart creates, on a real API server: once, for good, and by no other. */
import { X509Certificate } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { startCluster } from '../e2e/cluster.js'
import { runCommand } from '../fixtures/command.js'
import { eventually } from './podman.js'
import { CHART, get, helm, secret } from './release.js'

const LOGIN = { enabled: true, config: { issuer: 'https://login.example.com', trustedProxies: ['10.244.0.0/16'], clients: [{ id: 'production' }] } }
const VALUES = ['--set-json', `login=${JSON.stringify(LOGIN)}`]
const NAME = 'authn-webhook-login-key-first'

test('signing keys', async t => {
  const cluster = await startCluster(t, {})
  await eventually(async () => (await cluster.admin('GET', '/api/v1/namespaces/default/services/kubernetes')).code === 200 || undefined)
  await helm(cluster, 'install', 'authn-webhook', CHART, ...VALUES)
  const read = async (name: string) => ({ cert: (await secret(cluster, name, 'tls.crt'))!, key: (await secret(cluster, name, 'tls.key'))! })
  const first = await read(NAME)

  await t.test('is one that the service accepts, in a Secret that cannot be changed', async t => {
    t.match(await get(cluster, 'secret', NAME), { type: 'kubernetes.io/tls', immutable: true })
    t.equal(new X509Certificate(first.cert).publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
    const cwd = t.testdir({ 'signing-keys': {} })
    // as a pod has them
    for (const [name, text] of [['first.crt', first.cert], ['first.key', first.key]] as const) writeFileSync(join(cwd, 'signing-keys', name), text, { mode: 0o440 })
    t.match(await runCommand(['certs', '--out', 'tls', '--client', 'kube-apiserver'], { cwd, env: {} }), { code: 0 })
    t.match(await runCommand(['users', 'add', 'alice', '--uid', '1001', '--generate-password'], { cwd, env: {} }), { code: 0 })
    const { data } = await get(cluster, 'configmap', 'authn-webhook-login')
    writeFileSync(join(cwd, 'config.yaml'), data['config.yaml'].replaceAll('/etc/authn-webhook/users/', '').replaceAll('/etc/authn-webhook/', ''))
    t.match(await runCommand(['validate', '--config', 'config.yaml', '-o', 'json'], { cwd, env: {} }), { code: 0, stdout: /"errors": \[\]/ })
  })

  await t.test('an upgrade replaces none, and creates those that are new', async t => {
    await helm(cluster, 'upgrade', 'authn-webhook', CHART, '--reuse-values', '--set-json', 'login.signingKeys=[{"name":"first"},{"name":"second"}]')
    t.strictSame(await read(NAME), first)
    t.not((await read('authn-webhook-login-key-second')).key, first.key)
    await helm(cluster, 'upgrade', 'authn-webhook', CHART, '--reuse-values', '--set-json', 'login.signingKeys=[{"name":"second"},{"name":"first"}]')
    t.strictSame(await read(NAME), first)
  })

  await t.test('only the revision that created a key stores it', async t => {
    const { data } = await get(cluster, 'secret', NAME)
    t.ok((await helm(cluster, 'get', 'hooks', 'authn-webhook', '--revision', '1')).includes(data['tls.key']))
    for (const revision of ['2', '3']) t.notOk((await helm(cluster, 'get', 'all', 'authn-webhook', '--revision', revision)).includes(data['tls.key']), revision)
    t.notOk((await helm(cluster, 'get', 'manifest', 'authn-webhook', '--revision', '1')).includes(data['tls.key']), 'and no manifest has it')
  })

  await t.test('one that is overlooked is not overwritten, and neither are revocations', async t => {
    const revocations = 'apiVersion: authn-webhook/v1\nrevocations: [{ username: alice }]\n'
    await cluster.kubectl('patch', 'configmap', 'authn-webhook-revocations', '--namespace', 'kube-system', '--patch', JSON.stringify({ data: { 'revocations.yaml': revocations } }), `--kubeconfig=${cluster.adminKubeconfig}`)
    for (const [file, looking, refusal] of [
      ['signing-keys', 'lookup "v1" "Secret" $.Release.Namespace $name', /field is immutable|already exists/],
      ['revocations', '(lookup "v1" "ConfigMap" .Release.Namespace (include "authn-webhook.revocationsConfigMap" .))', /conflict with|already exists/]
    ] as const) {
      const chart = join(t.testdir({}), 'chart')
      cpSync(CHART, chart, { recursive: true })
      const path = join(chart, `templates/login/${file}.yaml`)
      const template = readFileSync(path, 'utf8')
      t.ok(template.includes(looking), file)
      writeFileSync(path, template.replace(looking, looking.startsWith('(') ? 'false' : 'dict'))
      const { code, stderr } = await cluster.helm('upgrade', 'authn-webhook', chart, '--namespace', 'kube-system', '--reuse-values')
      t.not(code, 0, file)
      t.match(stderr, refusal, file)
    }
    t.strictSame(await read(NAME), first)
    t.equal((await get(cluster, 'configmap', 'authn-webhook-revocations')).data['revocations.yaml'], revocations)
  })

  await t.test('a Secret of that name that is no key is not taken for one', async t => {
    await cluster.kubectl('create', 'secret', 'generic', 'authn-webhook-login-key-third', '--from-literal=a=b', '--namespace', 'kube-system', `--kubeconfig=${cluster.adminKubeconfig}`)
    const { code, stderr } = await cluster.helm('upgrade', 'authn-webhook', CHART, '--namespace', 'kube-system', '--reuse-values', '--set-json', 'login.signingKeys=[{"name":"third"}]')
    t.not(code, 0)
    t.match(stderr, /The Secret authn-webhook-login-key-third exists without tls\.crt or tls\.key/)
  })

  await t.test('uninstalled and installed again, tokens are still valid', async t => {
    await helm(cluster, 'uninstall', 'authn-webhook')
    t.strictSame(await read(NAME), first)
    await helm(cluster, 'install', 'authn-webhook', CHART, ...VALUES)
    t.strictSame(await read(NAME), first)
    t.match((await get(cluster, 'configmap', 'authn-webhook-revocations')).data['revocations.yaml'], /alice/)
  })
})
