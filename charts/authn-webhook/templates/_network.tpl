{{/* Parts of the network policies. */}}

{{- define "authn-webhook.testPeer" -}}
# helm test asks from a pod
- podSelector:
    matchLabels:
      app.kubernetes.io/instance: {{ .Release.Name }}
      app.kubernetes.io/component: test
{{- end -}}

{{/* The egress of reviews and of the sign-in service: `rules`, and whether others are denied. */}}
{{- define "authn-webhook.egress" -}}
{{- $providers := .Values.networkPolicy.egress -}}
{{- $limited := or $providers (include "authn-webhook.selfSufficient" .) -}}
{{- $store := list -}}
{{- if include "authn-webhook.loginEnabled" . -}}
{{- if eq .Values.login.store.kind "redis" -}}
{{- $store = .Values.login.networkPolicy.storeEgress -}}
{{- $limited = and $limited $store -}}
{{- end -}}
{{- end -}}
{{- dict "limited" (not (empty $limited)) "rules" (ternary list (concat $providers $store) (empty $limited)) | toYaml -}}
{{- end -}}
