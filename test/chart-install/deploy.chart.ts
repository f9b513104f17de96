/** deploy/: the chart without Helm. Three commands, and an API server knows people. */
import { X509Certificate } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test, type Test } from 'tap'
import { plainManifests } from '../../scripts/plain-manifests.mjs'
import { startCluster, tool, type Cluster } from '../e2e/cluster.js'
import { runCommand } from '../fixtures/command.js'
import { runPod } from './kubelet.js'
import { findErrors, findUnknownFields, parseManifests } from './manifests.js'
import { IMAGE, type } from './podman.js'
import { get, NAMESPACE, runDeployment } from './release.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MADE = plainManifests(tool('HELM'))

for (const [name, content] of Object.entries(MADE)) {
  test(name, async t => {
    t.equal(readFileSync(join(ROOT, name), 'utf8'), content, 'is up to date: npm run manifests')
    const manifests = parseManifests(content)
    t.strictSame(await findErrors(manifests), [])
    t.equal(await findUnknownFields(t.testdir({}), manifests), '')
    t.notMatch(content, /PRIVATE KEY|client-key-data|kind: Secret/, 'holds no key')
    t.notOk(manifests.some(({ metadata }) => metadata.name === 'authn-webhook-steps'), 'webhook-config prints the steps')
    t.match(content, /for Kubernetes 1\.27 and newer/, 'says which API servers take it')
  })
}

test('the commands of its head, and somebody logs in', async t => {
  const { cluster, cwd, printed } = await follow(t, 'deploy/deployment.yaml', ['certs', 'users', 'apply', 'webhook-config'])
  const [, token] = /token laptop: (\S+)/.exec(printed['users']!)!
  await runDeployment(t, cluster)
  await cluster.restart(join(cwd, 'webhook.yaml'))
  t.match(await cluster.call(token!), { code: 403, body: { message: /User "alice" cannot list/ } })
})

test('the commands of the head of the one with the sign-in service, and both run', async t => {
  const { cluster, cwd } = await follow(t, 'deploy/sign-in/deployment.yaml', ['certs', 'users', 'keys', 'cp', 'cp', 'printf', 'apply', 'webhook-config'])
  const reviews = await runDeployment(t, cluster)
  t.match(await reviews.logs(), /"keys":\[|kid/, 'reviews have the certificate of the key')
  const { spec: { template } } = await get(cluster, 'deployment', 'authn-webhook-login')
  const pod = await runPod(t, cluster, { namespace: NAMESPACE, name: 'authn-webhook-login', template })
  await pod.ready()
  const ask = async (path: string): Promise<any> => await (await fetch(`http://127.0.0.1:${pod.ports['login']}${path}`)).json()
  t.match(await ask('/.well-known/openid-configuration'), { issuer: 'https://login.example.com' })
  const { x, y } = new X509Certificate(readFileSync(join(cwd, 'deploy/sign-in/keys/tls.crt'))).publicKey.export({ format: 'jwk' })
  t.match(await ask('/jwks'), { keys: [{ x, y, alg: 'ES256' }] })
})

/** Types the commands of the head of a file. @returns what each has printed */
async function follow (t: Test, file: string, names: readonly string[]): Promise<{ cluster: Cluster, cwd: string, printed: Record<string, string> }> {
  const cwd = t.testdir({})
  cpSync(join(ROOT, 'deploy'), join(cwd, 'deploy'), { recursive: true })
  writeFileSync(join(cwd, file), MADE[file]!.replaceAll(/image: .*/g, `image: ${IMAGE}`))
  const cluster = await startCluster(t, {})
  // of the controller manager, which is not here
  await cluster.admin('POST', `/api/v1/namespaces/${NAMESPACE}/configmaps`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kube-root-ca.crt' }, data: { 'ca.crt': readFileSync(cluster.authority, 'utf8') } })
  const commands = [...MADE[file]!.replaceAll(/ \\\n# +/g, ' ').matchAll(/^# {3}((?:authn-webhook|kubectl) |(?=cp |printf ))((certs|users|keys|apply|webhook-config|cp|printf) .*?)( > webhook\.yaml)?$/gm)].map(([, program, args, name]) => ({ program: program!.trim(), args: args!, name: name! }))
  t.strictSame(commands.map(({ name }) => name), names)
  const printed: Record<string, string> = {}
  for (const { program, args, name } of commands) {
    if (name === 'apply') {
      await apply(t, cluster, args.split(' '), cwd)
    } else if (program === '') {
      t.match(await type('bash', ['-euc', args], { cwd }), { code: 0 }, args)
    } else {
      const { code, stdout, stderr } = await runCommand(args.split(' '), { cwd, env: { NODE_OPTIONS: undefined } })
      t.equal(code, 0, name, { stderr })
      printed[name] = stdout
    }
  }
  writeFileSync(join(cwd, 'webhook.yaml'), printed['webhook-config']!, { mode: 0o600 })
  return { cluster, cwd, printed }
}

/** As the head says for an API server older than 1.27, such as this one. */
async function apply (t: Test, cluster: Cluster, args: readonly string[], cwd: string): Promise<void> {
  const { code, stderr } = await type(tool('KUBECTL'), [...args, '--validate=false', `--kubeconfig=${cluster.adminKubeconfig}`], { cwd })
  // an API server of 1.20 has PodDisruptionBudgets of policy/v1beta1 alone, and that is all that it may lack
  const lacking = [...stderr.matchAll(/no matches for kind "(\w+)" in version "(\S+)"/g)].map(([, kind, version]) => `${kind} ${version}`)
  t.ok(code === 0 || lacking.join() === 'PodDisruptionBudget policy/v1', 'apply', { stderr })
}
