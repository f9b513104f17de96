/**
 * k3s and RKE2 read the same config format from different directories
 * (https://docs.k3s.io/installation/configuration, https://docs.rke2.io/install/configuration).
 * The API server of k3s is a process on the host. That of RKE2 is a static pod,
 * into which RKE2 mounts the files that its arguments name.
 */
import { shell, yaml, type DistributionGuide } from './guide.js'

export const k3s: DistributionGuide = rancher('k3s', '/etc/rancher/k3s', 'k3s', shell('Restart it, check that the flags are set, and wait until it is back, before you go to the next node:', `\
systemctl restart k3s
journalctl --unit k3s --since -5min | grep --only-matching 'authentication-token-webhook-[^ ]*'
`))

export const rke2: DistributionGuide = rancher('RKE2', '/etc/rancher/rke2', 'rke2-server', shell('Restart it, check that the flags are set, and wait until an API server runs with them, before you go to the next node. The last command prints its process ID:', `\
systemctl restart rke2-server
grep authentication-token-webhook /var/lib/rancher/rke2/agent/pod-manifests/kube-apiserver.yaml
timeout 180 sh -c 'until pgrep --full "[k]ube-apiserver .*--authentication-token-webhook-config-file"; do sleep 1; done'
`))

function rancher (title: string, directory: string, unit: string, restart: DistributionGuide['change']): DistributionGuide {
  return {
    title,
    steps: [
      shell('Save the printed file as `webhook.yaml`, and put it on each server node. As root:', `\
mkdir -p ${directory}/authn-webhook ${directory}/config.yaml.d
install -m 0600 webhook.yaml ${directory}/authn-webhook/webhook.yaml
`),
      yaml(`Write \`${directory}/config.yaml.d/authn-webhook.yaml\`. The \`+\` adds to the arguments of \`config.yaml\` and of files earlier in alphabetical order, which it would otherwise replace. A later file that sets \`kube-apiserver-arg\` needs a \`+\` too, and \`--kube-apiserver-arg\` on the command line replaces them all:`, `\
kube-apiserver-arg+:
  - authentication-token-webhook-config-file=${directory}/authn-webhook/webhook.yaml
  - authentication-token-webhook-version=v1
`),
      restart
    ],
    change: shell('Replace the file on each server node and restart it:', `\
systemctl restart ${unit}
`),
    undo: shell('On each server node:', `\
rm ${directory}/config.yaml.d/authn-webhook.yaml
systemctl restart ${unit}
rm -r ${directory}/authn-webhook
`)
  }
}
