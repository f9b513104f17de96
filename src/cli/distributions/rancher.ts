/**
 * k3s and RKE2: one parser of config files, two homes
 * (https://docs.k3s.io/installation/configuration, https://docs.rke2.io/install/configuration).
 * The API server of k3s is a process of the host. RKE2's is a static pod, into
 * which RKE2 mounts the files that its arguments name.
 */
import { shell, yaml, type Distribution } from './distribution.js'

export const k3s: Distribution = rancher('k3s', '/etc/rancher/k3s', 'k3s', shell('Restart it, see that the flags arrived, and wait until it is back, before you go to the next node:', `\
systemctl restart k3s
journalctl --unit k3s --since -5min | grep --only-matching 'authentication-token-webhook-[^ ]*'
`))

export const rke2: Distribution = rancher('RKE2', '/etc/rancher/rke2', 'rke2-server', shell('Restart it, see that the flags arrived, and wait until an API server runs that has them, before you go to the next node. The last command prints its process ID:', `\
systemctl restart rke2-server
grep authentication-token-webhook /var/lib/rancher/rke2/agent/pod-manifests/kube-apiserver.yaml
timeout 180 sh -c 'until pgrep --full "[k]ube-apiserver .*--authentication-token-webhook-config-file"; do sleep 1; done'
`))

function rancher (title: string, home: string, unit: string, restart: Distribution['change']): Distribution {
  return {
    title,
    steps: [
      shell('Save the printed file as `webhook.yaml`, and put it on each server node. As root:', `\
mkdir -p ${home}/authn-webhook ${home}/config.yaml.d
install -m 0600 webhook.yaml ${home}/authn-webhook/webhook.yaml
`),
      yaml(`Write \`${home}/config.yaml.d/authn-webhook.yaml\`. The \`+\` adds to the arguments of \`config.yaml\` and of files that come earlier in the alphabet; without it theirs would be dropped. A later file that sets \`kube-apiserver-arg\` needs a \`+\` too, and \`--kube-apiserver-arg\` on the command line drops them all:`, `\
kube-apiserver-arg+:
  - authentication-token-webhook-config-file=${home}/authn-webhook/webhook.yaml
  - authentication-token-webhook-version=v1
`),
      restart
    ],
    change: shell('Put the new file in place of the old one on each server node, and restart it:', `\
systemctl restart ${unit}
`),
    undo: shell('On each server node:', `\
rm ${home}/config.yaml.d/authn-webhook.yaml
systemctl restart ${unit}
rm -r ${home}/authn-webhook
`)
  }
}
