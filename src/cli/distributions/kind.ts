/**
 * kind runs kubeadm in containers, so files need one more mount
 * (https://kind.sigs.k8s.io/docs/user/configuration/). The patch has no apiVersion:
 * kind then reads it as v1beta3, and converts it to v1beta4 from Kubernetes 1.36 on
 * (kubernetes-sigs/kind#4173).
 */
import { shell, WAIT_FOR_FLAG, yaml, type DistributionGuide } from './guide.js'

export const kind: DistributionGuide = {
  title: 'kind',
  steps: [
    shell('For a new cluster: save the printed file as `webhook.yaml`, and put it into a separate directory beside `kind.yaml`:', `\
mkdir -p authn
install -m 0600 webhook.yaml authn/webhook.yaml
`),
    yaml('Write `kind.yaml`. It mounts the directory into the node, and from there into the API server\'s pod. Other control plane nodes need the same `extraMounts`:', `\
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
kubeadmConfigPatches:
  - |
    kind: ClusterConfiguration
    apiServer:
      extraArgs:
        authentication-token-webhook-config-file: /etc/kubernetes/authn-webhook/webhook.yaml
        authentication-token-webhook-version: v1
      extraVolumes:
        - name: authn-webhook
          hostPath: /etc/kubernetes/authn-webhook
          mountPath: /etc/kubernetes/authn-webhook
          readOnly: true
          pathType: Directory
nodes:
  - role: control-plane
    extraMounts:
      - hostPath: ./authn
        containerPath: /etc/kubernetes/authn-webhook
        readOnly: true
`),
    shell('Create the cluster; `--retain` keeps a node whose API server doesn\'t start, for inspection:', `\
kind create cluster --name authn --config kind.yaml --retain
`),
    shell('Or, for an existing cluster: put the file into each control plane node (the first of a cluster `authn` is `authn-control-plane`), where the API server reads it through kubeadm\'s mount of `/etc/kubernetes/pki`, and fetch the manifest:', `\
docker exec authn-control-plane mkdir -p /etc/kubernetes/pki/authn-webhook
docker cp webhook.yaml authn-control-plane:/etc/kubernetes/pki/authn-webhook/webhook.yaml
docker cp authn-control-plane:/etc/kubernetes/manifests/kube-apiserver.yaml kube-apiserver.yaml
cp kube-apiserver.yaml kube-apiserver.yaml.before
`),
    yaml('Add two lines to the list under `command:` in `kube-apiserver.yaml`:', `\
    - --authentication-token-webhook-config-file=/etc/kubernetes/pki/authn-webhook/webhook.yaml
    - --authentication-token-webhook-version=v1
`),
    shell('Copy it back. The kubelet replaces the API server\'s pod; the second command prints `ok` when the new one is ready:', `\
docker cp kube-apiserver.yaml authn-control-plane:/etc/kubernetes/manifests/kube-apiserver.yaml
docker exec authn-control-plane ${WAIT_FOR_FLAG}
`)
  ],
  change: shell('Replace the file and restart the API server; the kubelet starts it again:', `\
docker exec authn-control-plane sh -c 'crictl ps --quiet --name kube-apiserver | xargs crictl stop'
docker exec authn-control-plane ${WAIT_FOR_FLAG}
`),
  undo: shell('Delete a cluster that was created for this: `kind delete cluster --name authn`. On an existing one, copy the old manifest back; the file can stay:', `\
docker cp kube-apiserver.yaml.before authn-control-plane:/etc/kubernetes/manifests/kube-apiserver.yaml
`)
}
