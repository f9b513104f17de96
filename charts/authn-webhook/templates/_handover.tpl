{{/* The files of API servers: a kubeconfig, and the certificates and key that it refers to or embeds. */}}

{{/* API servers verify this name in the certificate, at any address. */}}
{{- define "authn-webhook.serverName" -}}
authn-webhook.kube-system.svc
{{- end -}}

{{/*
The kubeconfig. Call with a dict: `root`; `ca`, `cert` and `key` (PEM, to embed;
if absent, it refers to files next to it).
*/}}
{{- define "authn-webhook.kubeconfig" -}}
{{- $root := .root -}}
apiVersion: v1
kind: Config
clusters:
  - name: authn-webhook
    cluster:
      server: {{ include "authn-webhook.url" $root }}
      {{- if .ca }}
      certificate-authority-data: {{ b64enc .ca }}
      {{- else }}
      certificate-authority: ca.crt
      {{- end }}
      tls-server-name: {{ include "authn-webhook.serverName" $root }}
users:
  - name: kube-apiserver
    {{- if not $root.Values.tls.clientCertificate.required }}
    user: {}
    {{- else if .key }}
    user:
      client-certificate-data: {{ b64enc .cert }}
      client-key-data: {{ b64enc .key }}
    {{- else }}
    user:
      client-certificate: kube-apiserver.crt
      client-key: kube-apiserver.key
    {{- end }}
contexts:
  - name: authn-webhook
    context:
      cluster: authn-webhook
      user: kube-apiserver
current-context: authn-webhook
{{- end -}}

{{/* The ConfigMap: the CA, where it is known, and the webhook config, which holds no key. Call with `root` and `ca`. */}}
{{- define "authn-webhook.handover" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "authn-webhook.handoverConfigMap" .root }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "authn-webhook.commonLabels" .root | nindent 4 }}
data:
  {{- with .ca }}
  ca.crt: |
    {{- . | trim | nindent 4 }}
  {{- end }}
  webhook.yaml: |
    {{- include "authn-webhook.kubeconfig" . | nindent 4 }}
{{- end -}}

{{/* All of it in one directory, as sources of a projected volume. */}}
{{- define "authn-webhook.handoverSources" -}}
- configMap:
    name: {{ include "authn-webhook.handoverConfigMap" . }}
    items:
      - key: webhook.yaml
        path: webhook.yaml
- secret:
    name: {{ include "authn-webhook.tlsSecret" . }}
    items:
      - key: ca.crt
        path: ca.crt
{{- if .Values.tls.clientCertificate.required }}
- secret:
    name: {{ include "authn-webhook.apiServerSecret" . }}
    items:
      - key: tls.crt
        path: kube-apiserver.crt
      - key: tls.key
        path: kube-apiserver.key
{{- end }}
{{- end -}}
