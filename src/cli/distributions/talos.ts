/**
 * Talos Linux: everything is machine configuration. The reference of 1.15 has a
 * document for authentication webhooks, which takes the kubeconfig inline
 * (https://docs.siderolabs.com/talos/v1.15/reference/configuration/kubernetes/kubeauthenticationwebhookconfig);
 * that of 1.14 hasn't. There a file is written at boot, below /var, owned by
 * root, and the API server, which runs as user 65534, has to be able to read it.
 */
import { dump } from 'js-yaml'
import type { Kubeconfig } from '../../../schemas/kubeconfig.js'
import { shell, yaml, type Distribution } from './distribution.js'

const DIRECTORY = '/var/authn-webhook'
const SAVE = 'Save the printed file as `authn-webhook.yaml`: it is a patch of the machine configuration. Apply it to each control plane node; `192.0.2.20` stands for it.'
const APPLY = 'talosctl patch machineconfig --nodes 192.0.2.20 --patch @authn-webhook.yaml\n'
const EDIT = 'talosctl edit machineconfig --nodes 192.0.2.20\n'
const WAIT = shell('Repeat this until it prints the flags: then the new API server runs, and you can go to the next node:', `\
talosctl processes --nodes 192.0.2.20 | grep --only-matching 'authentication-token-webhook-[^ ]*'
`)

export const talos: Distribution = {
  title: 'Talos 1.15 and newer',
  steps: [
    shell(`${SAVE} Talos sets the flags \`--authentication-token-webhook-…\` itself, of version v1, and restarts the API server; the same flags in \`extraArgs\` are refused:`, APPLY),
    WAIT
  ],
  change: shell('Apply the new file in the same way; Talos restarts the API server:', APPLY),
  undo: yaml('Apply this patch in the same way; it deletes the document:', `\
apiVersion: v1alpha1
kind: KubeAuthenticationWebhookConfig
$patch: delete
`),
  document: (kubeconfig) => ({
    apiVersion: 'v1alpha1',
    kind: 'KubeAuthenticationWebhookConfig',
    kubeconfig: text(kubeconfig),
    version: 'v1'
  })
}

export const talos114: Distribution = {
  title: 'Talos up to 1.14',
  steps: [
    shell(`${SAVE} Files are written at boot, so the node reboots. The API server isn't root there, hence the mode, 0644, which is 420 in YAML: every pod that may mount the node's \`/var\` can read a client key in it:`, APPLY),
    WAIT
  ],
  change: shell('Replace the `content` in `machine.files` on each node, which reboots. (The patch, applied again, would add to its lists.)', EDIT),
  undo: shell('Take what the patch added out of `cluster.apiServer` and `machine.files`, on each node:', EDIT),
  document: (kubeconfig) => ({
    machine: {
      files: [{ path: `${DIRECTORY}/webhook.yaml`, op: 'create', permissions: 0o644, content: text(kubeconfig) }]
    },
    cluster: {
      apiServer: {
        extraArgs: {
          'authentication-token-webhook-config-file': `${DIRECTORY}/webhook.yaml`,
          'authentication-token-webhook-version': 'v1'
        },
        extraVolumes: [{ hostPath: DIRECTORY, mountPath: DIRECTORY, readonly: true }]
      }
    }
  })
}

function text (kubeconfig: Kubeconfig): string {
  return dump(kubeconfig, { lineWidth: -1 })
}
