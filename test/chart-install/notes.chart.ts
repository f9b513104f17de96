/** The notes that an installation prints, and the steps for each distribution that it puts into the cluster, as `webhook-config --for` has them. */
import { readdirSync, writeFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { test } from 'tap'
import { readWebhookKubeconfig } from '../../src/cli/kubeconfig.js'
import { createDistributionFile, DISTRIBUTIONS, formatDistributionSteps, type DistributionName } from '../../src/cli/distributions/index.js'
import type { Kubeconfig } from '../../schemas/kubeconfig.js'
import { issueClient } from '../../src/certificates/issue.js'
import { startCluster, tool } from '../e2e/cluster.js'
import { authority } from '../fixtures/service.js'
import { parseManifests } from './manifests.js'
import { type } from './podman.js'
import { CHART, ci, step } from './release.js'

const NAMES = Object.keys(DISTRIBUTIONS) as DistributionName[]

async function helm (...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await type(tool('HELM'), args)
  if (code !== 0) throw new Error(stderr)
  return stdout
}

async function notes (...args: readonly string[]): Promise<string> {
  const stdout = await helm('install', 'authn-webhook', CHART, '--namespace', 'kube-system', '--dry-run=client', '--values', ci('existing-secret'), ...args)
  return stdout.slice(stdout.indexOf('NOTES:'))
}

/** Values with which notes are shown without a cluster. */
const OFFLINE = readdirSync(join(CHART, 'ci')).filter(file => !/^(default|daemonset)-/.test(file))

test('five steps on one screen, in every mode', async t => {
  for (const file of OFFLINE) {
    const text = await notes('--values', join(CHART, 'ci', file))
    const lines = text.trim().split('\n').slice(1)
    t.ok(lines.length <= 40, `${file}: ${lines.length} lines`)
    t.strictSame(lines.map(line => /^(\d)\. /.exec(line)?.[1]).filter(Boolean), ['1', '2', '3', '4', '5'], file)
    t.strictSame(lines.filter(line => !line.startsWith('  ') && line.length > 100 && !/^(Pods on|authn-webhook )/.test(line)), [], `${file}: prose fits a terminal`)
  }
})

test('no step waits indefinitely, and each says what to look at', async t => {
  const first = step(await notes(), 1)
  t.match(first, /rollout status deployment\/authn-webhook --timeout=2m \|\| \{ kubectl -n kube-system get events .* \| grep authn-webhook; kubectl -n kube-system logs -l app\.kubernetes\.io\/instance=authn-webhook.*; \}/)
  t.match(first, /helm -n kube-system test authn-webhook --timeout 2m \|\| \{ .* logs authn-webhook-doctor; .* get events .*authn-webhook-doctor; \}/)
  const manifests = parseManifests(await helm('template', 'authn-webhook', CHART, '--namespace', 'kube-system', '--values', ci('existing-secret')))
  t.equal(manifests.find(({ kind }) => kind === 'Pod')!['spec'].activeDeadlineSeconds, 60, 'helm test fails where the image is missing, rather than wait for five minutes')
})

test('a change of users is brought to the pods at once', async t => {
  const lines = step(await notes(), 2).split('\n')
  t.match(lines.at(-1), /^kubectl -n kube-system annotate pods -l app\.kubernetes\.io\/instance=authn-webhook,app\.kubernetes\.io\/component=webhook --overwrite /)
  t.ok(lines.slice(0, -1).every(line => line.endsWith(' &&')), 'a line that fails ends it: the Secret is not overwritten with nothing')
})

test('the steps of each distribution are in the cluster, and the notes say where', async t => {
  const manifests = parseManifests(await helm('template', 'authn-webhook', CHART, '--namespace', 'kube-system', '--values', ci('existing-secret')))
  const { data } = manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'authn-webhook-steps')!
  for (const name of NAMES) {
    t.ok(data[name].includes(formatDistributionSteps(name).trim()), name)
    const escaped = name.replace('.', '\\.')
    t.ok((await notes('--set', `distribution=${name}`)).includes(`get configmap authn-webhook-steps -o 'jsonpath={.data.${escaped}}'`), name)
  }
  t.match(await notes(), /\{\.data\.kubeadm\}'\n\nFor another distribution, replace \{\.data\.kubeadm\} with one of the following, exactly as written:\n\n {2}\{\.data\.kind\} \{\.data\.k3s\} \{\.data\.rke2\} \{\.data\.talos\} \{\.data\.talos-1\\\.14\}\n/)
})

test('the step that waits for an API server tells the new one from the old', async t => {
  const cluster = await startCluster(t, {})
  const cwd = t.testdir({})
  const webhook = join(cwd, 'webhook.yaml')
  await writeFile(webhook, JSON.stringify({ apiVersion: 'v1', kind: 'Config', clusters: [{ name: 'x', cluster: { server: 'https://127.0.0.1:1' } }], users: [], contexts: [{ name: 'x', context: { cluster: 'x' } }], 'current-context': 'x' }))
  const commands = {
    kubeadm: DISTRIBUTIONS.kubeadm.steps[2]!.code.text,
    kind: DISTRIBUTIONS.kind.steps[5]!.code.text.split('\n')[1]!.replace('docker exec authn-control-plane ', ''),
    rke2: DISTRIBUTIONS.rke2.steps[2]!.code.text.split('\n')[2]!
  }
  const wait = async (command: string, seconds: number) => await type('bash', ['-c', command.replace('timeout 180', `timeout ${seconds}`).replace('6443', new URL(cluster.server).port)])
  for (const [name, command] of Object.entries(commands)) t.not((await wait(command, 3)).code, 0, `${name}: the old one is ready, and not taken for the new one`)
  await cluster.restart(webhook)
  for (const [name, command] of Object.entries(commands)) {
    const { code, stdout } = await wait(command, 180)
    t.equal(code, 0, name)
    t.match(stdout, name === 'rke2' ? /^\d+\n$/ : 'ok', name)
  }
})

test('k3s and RKE2 say who they are in their version', async t => {
  const recognized = async (version: string): Promise<string> => {
    const values = join(t.testdir({}), 'values.yaml')
    writeFileSync(values, JSON.stringify({ extraObjects: ['{ apiVersion: v1, kind: ConfigMap, metadata: { name: told }, data: { distributions: \'{{ include "authn-webhook.distributions" . }}\' } }'] }))
    const manifests = parseManifests(await helm('template', 'authn-webhook', CHART, '--namespace', 'kube-system', '--kube-version', version, '--values', ci('existing-secret'), '--values', values))
    return manifests.find(({ metadata }) => metadata.name === 'told')!['data'].distributions
  }
  t.equal(await recognized('1.33.1+k3s1'), 'k3s')
  t.equal(await recognized('1.33.1+rke2r1'), 'rke2')
  t.strictSame((await recognized('1.33.1')).split(' ').sort(), [...NAMES].sort())
})

test('in one piece, with kubectl alone; and what Talos takes is made of it', async t => {
  const { cert, key } = await issueClient(authority, { commonName: 'kube-apiserver', days: 1 })
  const manifests = parseManifests(await helm('template', 'authn-webhook', CHART, '--namespace', 'kube-system', '--values', ci('existing-secret')))
  const cwd = t.testdir({
    'webhook.in.yaml': manifests.find(({ metadata }) => metadata.name === 'authn-webhook-webhook-config')!['data']['webhook.yaml'],
    'ca.crt': authority.cert,
    'kube-apiserver.crt': cert,
    'kube-apiserver.key': key
  })
  /** The line with these words, typed. */
  const typeLine = async (text: string, words: string): Promise<void> => {
    const line = text.split('\n').find(line => line.startsWith('  ') && line.includes(words))!
    const { code, stderr } = await type('bash', ['-euo', 'pipefail', '-c', line.replace('kubectl', tool('KUBECTL'))], { cwd, env: { HOME: cwd } })
    t.equal(code, 0, words, { stderr })
  }
  await typeLine(await notes(), '--flatten --raw')
  const webhook = await readWebhookKubeconfig(join(cwd, 'webhook.yaml'))
  t.match(webhook, { ca: authority.cert, cert, key, serverName: 'authn-webhook.kube-system.svc' })
  t.equal(webhook.server.href, 'https://10.96.0.14/authenticate')

  const kubeconfig = load(await readFile(join(cwd, 'webhook.yaml'), 'utf8')) as Kubeconfig
  const { data: steps } = manifests.find(({ metadata }) => metadata.name === 'authn-webhook-steps')!
  await typeLine(steps['talos'], 'printf')
  t.strictSame(plain(load(await readFile(join(cwd, 'authn-webhook.yaml'), 'utf8'))), plain(createDistributionFile('talos', kubeconfig)))
  await typeLine(steps['talos-1.14'], 'printf')
  t.strictSame(plain(load(await readFile(join(cwd, 'authn-webhook.yaml'), 'utf8'))), plain(createDistributionFile('talos-1.14', kubeconfig)))
})

/** With the kubeconfigs inside read, since YAML has many ways to write one. */
function plain (value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, value) => ['kubeconfig', 'content'].includes(key) ? load(value) : value)
}
