{{/* How the webhook config gets into a file, in one piece. */}}
{{- define "authn-webhook.fetch" -}}
{{- $ns := .Release.Namespace -}}
{{- if eq .Values.tls.mode "existingSecret" -}}
kubectl -n {{ $ns }} get configmap {{ include "authn-webhook.handoverConfigMap" . }} -o 'jsonpath={.data.webhook\.yaml}' > webhook.in.yaml
kubectl -n {{ $ns }} get secret {{ include "authn-webhook.tlsSecret" . }} -o 'jsonpath={.data.ca\.crt}' | base64 -d > ca.crt
{{- if .Values.tls.clientCertificate.required }}
# with kube-apiserver.crt and kube-apiserver.key of "authn-webhook certs --client {{ .Values.tls.clientCertificate.name }}" beside them
{{- end }}
kubectl config view --kubeconfig webhook.in.yaml --flatten --raw > webhook.yaml
{{- else if and (eq .Values.tls.mode "helm") .Values.tls.clientCertificate.required -}}
kubectl -n {{ $ns }} get secret {{ include "authn-webhook.apiServerSecret" . }} -o 'jsonpath={.data.webhook\.yaml}' | base64 -d > webhook.yaml
{{- else if eq .Values.tls.mode "helm" -}}
kubectl -n {{ $ns }} get configmap {{ include "authn-webhook.handoverConfigMap" . }} -o 'jsonpath={.data.webhook\.yaml}' > webhook.yaml
{{- else -}}
kubectl -n {{ $ns }} get configmap {{ include "authn-webhook.handoverConfigMap" . }} -o 'jsonpath={.data.webhook\.yaml}' > webhook.in.yaml
kubectl -n {{ $ns }} get secret {{ include "authn-webhook.tlsSecret" . }} -o 'jsonpath={.data.ca\.crt}' | base64 -d > ca.crt
{{- if .Values.tls.clientCertificate.required }}
kubectl -n {{ $ns }} get secret {{ include "authn-webhook.apiServerSecret" . }} -o 'jsonpath={.data.tls\.crt}' | base64 -d > kube-apiserver.crt
kubectl -n {{ $ns }} get secret {{ include "authn-webhook.apiServerSecret" . }} -o 'jsonpath={.data.tls\.key}' | base64 -d > kube-apiserver.key
{{- end }}
kubectl config view --kubeconfig webhook.in.yaml --flatten --raw > webhook.yaml
{{- end -}}
{{- end -}}

{{/* Whose steps the notes name: k3s and RKE2 say who they are in their version; kubeadm, and kind by it, leaves its config. */}}
{{- define "authn-webhook.distributions" -}}
{{- $version := .Capabilities.KubeVersion.Version -}}
{{- if .Values.distribution -}}
{{- .Values.distribution -}}
{{- else if contains "+k3s" $version -}}
k3s
{{- else if contains "+rke2" $version -}}
rke2
{{- else if lookup "v1" "ConfigMap" .Release.Namespace "kubeadm-config" -}}
kubeadm kind
{{- else -}}
kubeadm kind k3s rke2 talos talos-1.14
{{- end -}}
{{- end -}}

{{/* What Talos takes, made of webhook.yaml. */}}
{{- define "authn-webhook.talos" -}}
{ printf 'apiVersion: v1alpha1\nkind: KubeAuthenticationWebhookConfig\nversion: v1\nkubeconfig: |\n'; sed 's/^/  /' webhook.yaml; } > authn-webhook.yaml
{{- end -}}

{{- define "authn-webhook.talos-1.14" -}}
{ printf 'cluster:\n  apiServer:\n    extraArgs:\n      authentication-token-webhook-config-file: /var/authn-webhook/webhook.yaml\n      authentication-token-webhook-version: v1\n    extraVolumes:\n      - hostPath: /var/authn-webhook\n        mountPath: /var/authn-webhook\n        readonly: true\nmachine:\n  files:\n    - path: /var/authn-webhook/webhook.yaml\n      op: create\n      permissions: 420\n      content: |\n'; sed 's/^/        /' webhook.yaml; } > authn-webhook.yaml
{{- end -}}
