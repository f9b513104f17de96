{{/*
The sign-in service. Its Deployment is made by the same templates as that of the
reviews: they are called with a context of its own, which has `component` and
values in which those of `login` replace the ones of the reviews.
*/}}

{{/* An upgrade with --reuse-values from a chart without `login` has no such values. */}}
{{- define "authn-webhook.loginEnabled" -}}
{{- if (default dict .Values.login).enabled }}yes{{ end -}}
{{- end -}}

{{/* Completes a dict to the context of the sign-in pods. Call with a list: the dict and the root. */}}
{{- define "authn-webhook.loginContext" -}}
{{- $root := last . -}}
{{- $values := dict -}}
{{- range $name, $value := $root.Values }}{{ $_ := set $values $name $value }}{{ end -}}
{{- range $name := list "replicaCount" "autoscaling" "podDisruptionBudget" "serviceAccount" "podAnnotations" "podLabels" "resources" "priorityClassName" "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" -}}
{{- $_ := set $values $name (get $root.Values.login $name) -}}
{{- end -}}
{{- /* reviews may be a DaemonSet; these pods have a Service in any case */ -}}
{{- $_ := set $values "kind" "Deployment" -}}
{{- $_ := set $values "secretMounts" (concat $root.Values.secretMounts $root.Values.login.secretMounts) -}}
{{- $_ := mergeOverwrite (first .) (omit $root "Values") -}}
{{- $_ := set (first .) "Values" $values -}}
{{- $_ := set (first .) "component" "login" -}}
{{- end -}}

{{/* What both processes have of the sign-in service in their config. */}}
{{- define "authn-webhook.sessionConfig" -}}
{{- $login := .Values.login -}}
{{- $config := dict -}}
{{- if eq (default "" .component) "login" -}}
{{- $keys := list -}}
{{- range $login.signingKeys }}{{ $keys = append $keys (dict "certFile" (printf "/etc/authn-webhook/signing-keys/%s.crt" .name) "keyFile" (printf "/etc/authn-webhook/signing-keys/%s.key" .name)) }}{{ end -}}
{{- $own := dict "signingKeys" $keys -}}
{{- if ne $login.tls.mode "ingress" -}}
{{- $_ := set $own "tls" (dict "certFile" "/etc/authn-webhook/login-tls/tls.crt" "keyFile" "/etc/authn-webhook/login-tls/tls.key") -}}
{{- end -}}
{{- $_ := set $config "login" (merge $own $login.config) -}}
{{- else -}}
{{- /* in an order that does not depend on which one signs: then a rotation restarts the reviews twice, not three times */ -}}
{{- $certs := list -}}
{{- range $login.signingKeys }}{{ $certs = append $certs (printf "/etc/authn-webhook/session-keys/%s.crt" .name) }}{{ end -}}
{{- $audiences := list -}}
{{- range $login.config.clients }}{{ $audiences = append $audiences .id }}{{ end -}}
{{- $own := dict "issuer" $login.config.issuer "certFiles" (sortAlpha $certs) "revocationsFile" "/etc/authn-webhook/revocations/revocations.yaml" -}}
{{- $_ := set $config "sessions" (merge $own (default dict .Values.config.sessions) (dict "audiences" $audiences)) -}}
{{- end -}}
{{- if eq $login.store.kind "redis" -}}
{{- $store := omit $login.store "passwordSecret" "caSecret" -}}
{{- if $login.store.passwordSecret }}{{ $_ := set $store "password" (dict "file" "/etc/authn-webhook/store/password") }}{{ end -}}
{{- if $login.store.caSecret }}{{ $_ := set $store "caFile" "/etc/authn-webhook/store/ca.crt" }}{{ end -}}
{{- $_ := set $config "store" $store -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* The Secret of a signing key. Call with a dict: `root`, `key`. */}}
{{- define "authn-webhook.signingKeySecret" -}}
{{- default (printf "%s-login-key-%s" (include "authn-webhook.fullname" .root) .key.name) .key.secretName -}}
{{- end -}}

{{- define "authn-webhook.loginTlsSecret" -}}
{{- $own := printf "%s-login-tls" (include "authn-webhook.fullname" .) -}}
{{- if eq .Values.login.tls.mode "existingSecret" }}{{ default $own .Values.login.tls.existingSecret }}{{ else }}{{ $own }}{{ end -}}
{{- end -}}

{{- define "authn-webhook.revocationsConfigMap" -}}
{{- default (printf "%s-revocations" (include "authn-webhook.fullname" .)) .Values.login.revocations.existingConfigMap -}}
{{- end -}}

{{/* Host, port and path of the issuer, as people reach it. */}}
{{- define "authn-webhook.issuerHost" -}}
{{- (urlParse .Values.login.config.issuer).hostname -}}
{{- end -}}

{{- define "authn-webhook.issuerPath" -}}
{{- default "/" (urlParse .Values.login.config.issuer).path -}}
{{- end -}}

{{- define "authn-webhook.loginPort" -}}
{{- default 8444 .Values.login.config.port -}}
{{- end -}}

{{- define "authn-webhook.loginServicePort" -}}
{{- if .Values.login.service.port }}{{ .Values.login.service.port }}{{ else }}{{ ternary 80 443 (eq .Values.login.tls.mode "ingress") }}{{ end -}}
{{- end -}}

{{/*
Mounts and volumes of the sign-in service and of its session tokens. Sign-in pods
have the keys whole, review pods only their certificates.
*/}}
{{- define "authn-webhook.sessionMounts" -}}
{{- $login := .Values.login -}}
{{- if eq (default "" .component) "login" -}}
- name: signing-keys
  mountPath: /etc/authn-webhook/signing-keys
  readOnly: true
{{- if ne $login.tls.mode "ingress" }}
- name: login-tls
  mountPath: /etc/authn-webhook/login-tls
  readOnly: true
{{- end }}
- name: cluster
  mountPath: /etc/authn-webhook/cluster
  readOnly: true
{{- else -}}
- name: session-keys
  mountPath: /etc/authn-webhook/session-keys
  readOnly: true
- name: revocations
  mountPath: /etc/authn-webhook/revocations
  readOnly: true
{{- end }}
{{- if or $login.store.passwordSecret $login.store.caSecret }}
- name: store
  mountPath: /etc/authn-webhook/store
  readOnly: true
{{- end }}
{{- end -}}

{{- define "authn-webhook.sessionVolumes" -}}
{{- $login := .Values.login -}}
{{- $signs := eq (default "" .component) "login" -}}
{{- $secrets := dict -}}
{{- range $login.signingKeys }}{{ $_ := set $secrets .name (include "authn-webhook.signingKeySecret" (dict "root" $ "key" .)) }}{{ end -}}
# in one flat directory: a watched subdirectory of a projected volume is replaced unnoticed
- name: {{ ternary "signing-keys" "session-keys" $signs }}
  projected:
    # readable only for the user and fsGroup; the service rejects a key that everyone can read
    defaultMode: 288 # 0440
    sources:
      {{- /* by name: which one signs is no reason to replace a pod that reviews */}}
      {{- range $name, $secret := $secrets }}
      - secret:
          name: {{ $secret }}
          items:
            - key: tls.crt
              path: {{ $name }}.crt
            {{- if $signs }}
            - key: tls.key
              path: {{ $name }}.key
            {{- end }}
      {{- end }}
{{- if $signs }}
{{- if ne $login.tls.mode "ingress" }}
- name: login-tls
  secret:
    secretName: {{ include "authn-webhook.loginTlsSecret" . }}
    defaultMode: 288 # 0440
{{- end }}
# the CA of the API server, which Kubernetes puts into every namespace
- name: cluster
  configMap:
    name: kube-root-ca.crt
    optional: true
{{- else }}
- name: revocations
  configMap:
    name: {{ include "authn-webhook.revocationsConfigMap" . }}
{{- end }}
{{- if or $login.store.passwordSecret $login.store.caSecret }}
- name: store
  projected:
    defaultMode: 288 # 0440
    sources:
      {{- range $path, $source := dict "password" $login.store.passwordSecret "ca.crt" $login.store.caSecret }}
      {{- with $source }}
      - secret:
          name: {{ .name }}
          items:
            - key: {{ default $path .key }}
              path: {{ $path }}
      {{- end }}
      {{- end }}
{{- end }}
{{- end -}}

{{/* What the Service speaks. */}}
{{- define "authn-webhook.loginScheme" -}}
{{- ternary "http" "https" (eq .Values.login.tls.mode "ingress") -}}
{{- end -}}
