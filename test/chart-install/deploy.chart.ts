/** deploy/: the chart without Helm. Three commands, and an API server knows people. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { plainManifests } from '../../scripts/plain-manifests.mjs'
import { startCluster, tool } from '../e2e/cluster.js'
import { runCommand } from '../fixtures/command.js'
import { findErrors, findUnknownFields, parseManifests } from './manifests.js'
import { IMAGE, type } from './podman.js'
import { runDeployment } from './release.js'

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
  const cwd = t.testdir({})
  cpSync(join(ROOT, 'deploy'), join(cwd, 'deploy'), { recursive: true })
  writeFileSync(join(cwd, 'deploy/deployment.yaml'), MADE['deploy/deployment.yaml']!.replace(/image: .*/, `image: ${IMAGE}`))
  const cluster = await startCluster(t, {})
  const commands = Object.fromEntries([...MADE['deploy/deployment.yaml']!.replaceAll(/ \\\n# +/g, ' ').matchAll(/^# {3}(?:authn-webhook|kubectl) (certs|users|apply|webhook-config) (.*?)( > webhook\.yaml)?$/gm)].map(([, name, args]) => [name!, [name!, ...args!.split(' ')]]))
  t.strictSame(Object.keys(commands), ['certs', 'users', 'apply', 'webhook-config'])
  const run = async (name: string): Promise<string> => {
    const { code, stdout, stderr } = await runCommand(commands[name]!, { cwd, env: { NODE_OPTIONS: undefined } })
    t.equal(code, 0, name, { stderr })
    return stdout
  }
  await run('certs')
  const [, token] = /token laptop: (\S+)/.exec(await run('users'))!
  // as the head says for an API server older than 1.27, such as this one
  const { code, stderr } = await type(tool('KUBECTL'), [...commands['apply']!, '--validate=false', `--kubeconfig=${cluster.adminKubeconfig}`], { cwd })
  // an API server of 1.20 has PodDisruptionBudgets of policy/v1beta1 alone, and that is all that it may lack
  const lacking = [...stderr.matchAll(/no matches for kind "(\w+)" in version "(\S+)"/g)].map(([, kind, version]) => `${kind} ${version}`)
  t.ok(code === 0 || lacking.join() === 'PodDisruptionBudget policy/v1', 'apply', { stderr })
  writeFileSync(join(cwd, 'webhook.yaml'), await run('webhook-config'), { mode: 0o600 })

  await runDeployment(t, cluster)
  await cluster.restart(join(cwd, 'webhook.yaml'))
  t.match(await cluster.call(token!), { code: 403, body: { message: /User "alice" cannot list/ } })
})
