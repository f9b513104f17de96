/** The notes that an installation prints: the commands for each distribution, as `webhook-config --for` has them. */
import { writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { test } from 'tap'
import { readWebhookKubeconfig } from '../../src/kubeconfig.js'
import { createDistributionFile, DISTRIBUTIONS, formatDistributionSteps, type DistributionName } from '../../src/distributions.js'
import type { Kubeconfig } from '../../schemas/kubeconfig.js'
import { issueClient } from '../../src/pki.js'
import { tool } from '../e2e/cluster.js'
import { authority } from '../fixtures/service.js'
import { parseManifests } from './manifests.js'
import { type } from './podman.js'
import { CHART, ci } from './release.js'

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

test('one distribution, or all that it may be', async t => {
  const all = await notes()
  for (const name of NAMES) {
    const steps = formatDistributionSteps(name).trim()
    t.ok((await notes('--set', `distribution=${name}`)).includes(steps), name)
    t.ok(all.includes(steps), `${name} among all`)
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
  /** The line of the notes with these words, typed. */
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
  await typeLine(await notes('--set', 'distribution=talos'), 'KubeAuthenticationWebhookConfig')
  t.strictSame(plain(load(await readFile(join(cwd, 'authn-webhook.yaml'), 'utf8'))), plain(createDistributionFile('talos', kubeconfig)))
  await typeLine(await notes('--set', 'distribution=talos-1.14'), 'authentication-token-webhook-config-file: /var')
  t.strictSame(plain(load(await readFile(join(cwd, 'authn-webhook.yaml'), 'utf8'))), plain(createDistributionFile('talos-1.14', kubeconfig)))
})

/** With the kubeconfigs inside read, since YAML has many ways to write one. */
function plain (value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, value) => ['kubeconfig', 'content'].includes(key) ? load(value) : value)
}
