/** What `webhook-config --for` prints: YAML of the right shape, steps that agree with docs/api-server.md, names as the distributions have them. */
import { readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { test } from 'tap'
import { createDistributionFile, DISTRIBUTIONS, formatDistributionFile, type DistributionName } from '../../../../src/cli/distributions/index.js'
import type { DistributionGuide, SetupStep } from '../../../../src/cli/distributions/guide.js'
import type { Kubeconfig } from '../../../../schemas/kubeconfig.js'

const NAMES = Object.keys(DISTRIBUTIONS) as DistributionName[]
const DOCUMENT = readFileSync(new URL('../../../../docs/api-server.md', import.meta.url), 'utf8')
const KUBECONFIG: Kubeconfig = {
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: 'authn-webhook', cluster: { server: 'https://192.0.2.10:8443/authenticate', 'certificate-authority-data': 'Y2E=' } }],
  users: [{ name: 'kube-apiserver', user: {} }],
  contexts: [{ name: 'authn-webhook', context: { cluster: 'authn-webhook', user: 'kube-apiserver' } }],
  'current-context': 'authn-webhook'
}
const CONFIG_FILE = 'authentication-token-webhook-config-file'
const VERSION = 'authentication-token-webhook-version'

test('the document and the printed steps are the same', async t => {
  for (const name of NAMES) {
    const documented = DOCUMENT.split(`<!-- ${name}: begin -->\n`)[1]?.split(`<!-- ${name}: end -->`)[0]
    t.equal(documented, markdown(DISTRIBUTIONS[name]), name)
  }
})

test('the steps stand at the head of the file, as comments', async t => {
  for (const name of NAMES) {
    const text = print(name)
    const comments = text.split('\n').filter(line => line.startsWith('#')).map(line => line.replace(/^# ?/, ''))
    for (const { text: prose, code } of allSteps(DISTRIBUTIONS[name])) {
      t.ok(comments.join(' ').replace(/\s+/g, ' ').includes(prose), `${name}: ${prose}`)
      for (const line of code.text.trimEnd().split('\n')) t.ok(comments.includes(`      ${line}`), `${name}: ${line}`)
    }
    t.match(text, /does not\s+#?\s*start\s+#?\s*when this file is missing/)
    t.match(text, /EVERY CONTROL PLANE NODE/)
    t.match(text, /^# To undo: /m)
    t.strictSame(load(text), createDistributionFile(name, KUBECONFIG), `${name}: comments alone stand before the file`)
    const long = comments.filter(line => line.length > 80 && !line.startsWith(' '))
    t.strictSame(long, [], `${name}: prose fits a terminal`)
  }
})

test('every edit names the file that was put there, and v1', async t => {
  const cases: Array<[name: DistributionName, path: string]> = [
    ['kubeadm', '/etc/kubernetes/pki/authn-webhook/webhook.yaml'],
    ['kind', '/etc/kubernetes/pki/authn-webhook/webhook.yaml'],
    ['k3s', '/etc/rancher/k3s/authn-webhook/webhook.yaml'],
    ['rke2', '/etc/rancher/rke2/authn-webhook/webhook.yaml']
  ]
  for (const [name, path] of cases) {
    t.same(createDistributionFile(name, KUBECONFIG), KUBECONFIG, `${name} takes the kubeconfig`)
    const { steps } = DISTRIBUTIONS[name]
    const placed = steps.findIndex(({ code }) => code.language === 'sh' && code.text.includes(path))
    const named = steps.findIndex(({ code }) => code.language === 'yaml' && code.text.includes(path))
    t.ok(placed !== -1 && placed < named, `${name}: first the file, then the flags`)
    t.match(flags(steps[named]!), [`${CONFIG_FILE}=${path}`, `${VERSION}=v1`], name)
  }
})

test('kubeadm is told as well, in the list form of v1beta4', async t => {
  const edits = yamlOf('kubeadm').map(text => load(text))
  t.strictSame(edits[1], {
    apiVersion: 'kubeadm.k8s.io/v1beta4',
    kind: 'ClusterConfiguration',
    apiServer: {
      extraArgs: [
        { name: CONFIG_FILE, value: '/etc/kubernetes/pki/authn-webhook/webhook.yaml' },
        { name: VERSION, value: 'v1' }
      ]
    }
  })
  t.match(DISTRIBUTIONS.kubeadm.steps.at(-1)!.code.text, 'kubeadm init phase upload-config kubeadm --config kubeadm.yaml\n')
})

test('kind mounts the directory into the node, and from there into the pod', async t => {
  interface KindConfig { kubeadmConfigPatches: string[], nodes: Array<{ extraMounts: Array<{ hostPath: string, containerPath: string }> }> }
  interface Patch { apiServer: { extraArgs: Record<string, string>, extraVolumes: Array<{ hostPath: string, mountPath: string }> } }
  const config = load(yamlOf('kind')[0]!) as KindConfig
  const { apiServer } = load(config.kubeadmConfigPatches[0]!) as Patch
  const mount = config.nodes[0]!.extraMounts[0]!
  t.equal(mount.hostPath, './authn')
  t.equal(apiServer.extraVolumes[0]!.hostPath, mount.containerPath)
  t.strictSame(apiServer.extraArgs, { [CONFIG_FILE]: `${apiServer.extraVolumes[0]!.mountPath}/webhook.yaml`, [VERSION]: 'v1' })
})

test('k3s and RKE2 add to the arguments that are there', async t => {
  for (const name of ['k3s', 'rke2'] as const) t.strictSame(Object.keys(load(yamlOf(name)[0]!) as object), ['kube-apiserver-arg+'], name)
})

test('Talos takes the kubeconfig inline', async t => {
  const document = load(print('talos')) as Record<string, string>
  t.match(document, { apiVersion: 'v1alpha1', kind: 'KubeAuthenticationWebhookConfig', version: 'v1' })
  t.strictSame(load(document['kubeconfig']!), KUBECONFIG)
  t.strictSame(load(yamlOf('talos')[0]!), { apiVersion: 'v1alpha1', kind: document['kind'], $patch: 'delete' }, 'and is rid of it by its kind')
})

test('Talos up to 1.14 takes a file below /var that its API server can read', async t => {
  interface Patch {
    machine: { files: Array<{ path: string, op: string, permissions: number, content: string }> }
    cluster: { apiServer: { extraArgs: Record<string, string>, extraVolumes: Array<{ hostPath: string, mountPath: string, readonly: boolean }> } }
  }
  const { machine: { files }, cluster: { apiServer } } = load(print('talos-1.14')) as Patch
  t.match(files, [{ path: /^\/var\//, op: 'create', permissions: 0o644 }])
  t.strictSame(load(files[0]!.content), KUBECONFIG)
  t.strictSame(apiServer.extraArgs, { [CONFIG_FILE]: files[0]!.path, [VERSION]: 'v1' })
  const [volume] = apiServer.extraVolumes
  t.ok(files[0]!.path.startsWith(`${volume!.hostPath}/`))
  t.equal(volume!.mountPath, volume!.hostPath)
})

function print (name: DistributionName): string {
  return formatDistributionFile(name, createDistributionFile(name, KUBECONFIG))
}

function allSteps ({ steps, change, undo }: DistributionGuide): SetupStep[] {
  return [...steps, change, undo]
}

/** Every snippet of YAML, in its order. */
function yamlOf (name: DistributionName): string[] {
  return allSteps(DISTRIBUTIONS[name]).flatMap(({ code }) => code.language === 'yaml' ? [code.text] : [])
}

/** The list of a snippet, be it bare or the value of its only key. */
function flags ({ code }: SetupStep): string[] {
  const edit = load(code.text) as string[] | Record<string, string[]>
  return (Array.isArray(edit) ? edit : Object.values(edit)[0]!).map(flag => flag.replace(/^--/, ''))
}

function markdown ({ steps, change, undo }: DistributionGuide): string {
  const paragraph = ({ text, code }: SetupStep, label: string) => `**${label}** ${text}\n\n\`\`\`${code.language}\n${code.text}\`\`\`\n`
  return [
    ...steps.map((step, index) => paragraph(step, `${index + 1}.`)),
    paragraph(change, 'To change the file later.'),
    paragraph(undo, 'To undo.')
  ].join('\n')
}
