/**
 * kubeadm: static pods from /etc/kubernetes/manifests, and a ClusterConfiguration
 * from which each upgrade rewrites them (https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-reconfigure/).
 */
import { shell, WAIT_FOR_FLAG, yaml, type DistributionGuide } from './guide.js'

export const kubeadm: DistributionGuide = {
  title: 'kubeadm',
  steps: [
    shell('Save the printed file as `webhook.yaml`, and put it where the API server\'s pod can read it: kubeadm already mounts `/etc/kubernetes/pki`. Keep a copy of the manifest, but not in the same directory: the kubelet would run the copy too. As root:', `\
mkdir -p /etc/kubernetes/pki/authn-webhook
install -m 0600 webhook.yaml /etc/kubernetes/pki/authn-webhook/webhook.yaml
cp /etc/kubernetes/manifests/kube-apiserver.yaml /root/kube-apiserver.yaml.before
`),
    yaml('Add two lines to the list under `command:` in `/etc/kubernetes/manifests/kube-apiserver.yaml`. When it is saved, the kubelet replaces the API server\'s pod:', `\
    - --authentication-token-webhook-config-file=/etc/kubernetes/pki/authn-webhook/webhook.yaml
    - --authentication-token-webhook-version=v1
`),
    shell('Wait until the new one is ready, before you go to the next node. The old one, which lacks the flag, keeps running for up to a minute. This prints `ok`, or after three minutes the state of the container:', `\
${WAIT_FOR_FLAG} || crictl ps --all --name kube-apiserver
`),
    shell('Once for the cluster: add the flags to kubeadm\'s configuration too, or the next `kubeadm upgrade` removes them from the manifest. Fetch the configuration:', `\
kubectl --namespace kube-system get configmap kubeadm-config --output 'jsonpath={.data.ClusterConfiguration}' > kubeadm.yaml
`),
    yaml('Add the flags to `kubeadm.yaml`, after the entries that `apiServer.extraArgs` already has. (In `v1beta3` that is a map; `kubeadm config migrate` converts it.)', `\
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
apiServer:
  extraArgs:
    - name: authentication-token-webhook-config-file
      value: /etc/kubernetes/pki/authn-webhook/webhook.yaml
    - name: authentication-token-webhook-version
      value: v1
`),
    shell('Upload it. From now on a node needs `webhook.yaml` before `kubeadm join --control-plane`:', `\
kubeadm init phase upload-config kubeadm --config kubeadm.yaml
`)
  ],
  change: shell('Replace the file on each node and restart its API server, which the kubelet starts again. Wait until it is ready, before you go to the next node:', `\
crictl ps --quiet --name kube-apiserver | xargs crictl stop
${WAIT_FOR_FLAG}
`),
  undo: shell('Remove the lines from the manifest on each node, and wait for its API server. Remove them from `kubeadm.yaml` and upload it again. Only then, on each node:', `\
rm -r /etc/kubernetes/pki/authn-webhook
`)
}
