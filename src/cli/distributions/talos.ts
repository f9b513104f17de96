/**
 * Talos Linux is set up by its machine configuration. Since 1.15 it has a
 * document for authentication webhooks, with the kubeconfig inline
 * (https://docs.siderolabs.com/talos/v1.15/reference/configuration/kubernetes/kubeauthenticationwebhookconfig). In
 * 1.14 a file is written to /var at boot, owned by root, and the API server, which
 * runs as user 65534, must be able to read it.
 */
import { dump } from 'js-yaml'
import type { Kubeconfig } from '../../../schemas/kubeconfig.js'
import { shell, yaml, type DistributionGuide } from './guide.js'

const DIRECTORY = '/var/authn-webhook'
const SAVE = 'Save the printed file as `authn-webhook-patch.yaml`: it is a patch of the machine configuration. Apply it to each control plane node; `192.0.2.20` is an example.'
const APPLY = 'talosctl patch machineconfig --nodes 192.0.2.20 --patch @authn-webhook-patch.yaml\n'
const EDIT = 'talosctl edit machineconfig --nodes 192.0.2.20\n'
const WAIT = shell('Repeat this until it prints the flags: then the new API server runs, and you can go to the next node:', `\
talosctl processes --nodes 192.0.2.20 | grep --only-matching 'authentication-token-webhook-[^ ]*'
`)

export const talos: DistributionGuide = {
  title: 'Talos 1.15 and newer',
  steps: [
    shell(`${SAVE} Talos sets the flags \`--authentication-token-webhook-…\` itself, with version v1, and restarts the API server; the same flags in \`extraArgs\` are rejected:`, APPLY),
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

export const talos114: DistributionGuide = {
  title: 'Talos up to 1.14',
  steps: [
    shell(`${SAVE} Files are written at boot, so the node reboots. The API server doesn't run as root, hence the mode 0644 (420 in YAML): every pod that can mount the node's \`/var\` can read a client key in it:`, APPLY),
    WAIT
  ],
  change: shell('Replace the `content` in `machine.files` on each node, which reboots. (Applied again, the patch would add to the lists.)', EDIT),
  undo: shell('Remove what the patch added from `cluster.apiServer` and `machine.files`, on each node:', EDIT),
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
