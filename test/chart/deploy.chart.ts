/** deploy/: the chart without Helm. Three commands, and an API server knows people. */
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { plainManifests } from '../../scripts/plain-manifests.mjs'
import { startCluster, tool } from '../e2e/cluster.js'
import { runCommand } from '../fixtures/command.js'
import { findFaults, findUnknownFields, parseManifests } from './manifests.js'
import { type } from './podman.js'
import { NAMESPACE } from './release.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MADE = plainManifests(tool('HELM'))

for (const [name, content] of Object.entries(MADE)) {
  test(name, async t => {
    t.equal(readFileSync(join(ROOT, name), 'utf8'), content, 'is up to date: npm run manifests')
    const manifests = parseManifests(content)
    t.strictSame(await findFaults(manifests), [])
    t.equal(await findUnknownFields(t.testdir({}), manifests), '')
    t.notMatch(content, /PRIVATE KEY|client-key-data|kind: Secret/, 'holds no key')
  })
}

test('the three commands of its head', async t => {
  const cwd = t.testdir({})
  cpSync(join(ROOT, 'deploy'), join(cwd, 'deploy'), { recursive: true })
  const cluster = await startCluster(t, {})
  const commands = [...MADE['deploy/deployment.yaml']!.matchAll(/^# {3}(authn-webhook|kubectl) (certs|users|apply) (.*)$/gm)].map(([, program, ...args]) => [program!, args.join(' ').split(' ')] as const)
  t.equal(commands.length, 3)
  for (const [program, args] of commands) {
    const outcome = program === 'kubectl'
      ? await type(tool('KUBECTL'), [...args, `--kubeconfig=${cluster.adminKubeconfig}`], { cwd })
      : await runCommand(args, { cwd, env: { NODE_OPTIONS: undefined } })
    // an API server of 1.20 has PodDisruptionBudgets of policy/v1beta1 alone, and that is all that it may lack
    const lacking = [...outcome.stderr.matchAll(/no matches for kind "(\w+)" in version "(\S+)"/g)].map(([, kind, version]) => `${kind} ${version}`)
    t.ok(outcome.code === 0 || lacking.join() === 'PodDisruptionBudget policy/v1', `${program} ${args[0]}`, { outcome })
  }
  const { stdout } = await cluster.kubectl('get', 'deployment,service,secret', '--namespace', NAMESPACE, '--output', 'name', `--kubeconfig=${cluster.adminKubeconfig}`)
  for (const name of ['deployment.apps/authn-webhook', 'service/authn-webhook', 'secret/authn-webhook-tls', 'secret/authn-webhook-users']) t.ok(stdout.split('\n').includes(name), name)
})
