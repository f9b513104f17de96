{{/* The config of the service: that of the values, completed by the chart. Call with the context of reviews or of the sign-in service. */}}

{{- define "authn-webhook.config" -}}
{{- $daemon := eq .Values.kind "DaemonSet" -}}
{{- $scraped := or .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled -}}
{{- $defaults := dict
      "server" (dict "port" 8443 "http2" $daemon "shutdownDelay" (ternary "0s" "10s" $daemon))
      "admin" (dict "port" 9443)
      "log" (dict "format" "json") -}}
{{- if $daemon -}}
{{- $_ := set $defaults.server "host" "127.0.0.1" -}}
{{- /* Prometheus scrapes from other nodes; the kubelet probes from the same one */ -}}
{{- if not $scraped }}{{ $_ := set $defaults.admin "host" "127.0.0.1" }}{{ end -}}
{{- end -}}
{{- $files := dict "certFile" "/etc/authn-webhook/tls/tls.crt" "keyFile" "/etc/authn-webhook/tls/tls.key" -}}
{{- if .Values.tls.clientCertificate.required -}}
{{- $_ := set $files "clientCAFile" "/etc/authn-webhook/tls/ca.crt" -}}
{{- $_ := set $files "clientNames" (list .Values.tls.clientCertificate.name) -}}
{{- end -}}
{{- $config := mergeOverwrite (dict "apiVersion" "authn-webhook/v1") $defaults (deepCopy .Values.config) (dict "tls" $files) -}}
{{- if include "authn-webhook.loginEnabled" . -}}
{{- $config = merge (include "authn-webhook.sessionConfig" . | fromYaml) (omit $config "sessions") -}}
{{- end -}}
{{- if eq (default "" .component) "login" -}}
{{- /*
The process needs a review listener. Here nobody reaches it: it is on loopback, and
neither a Service nor the NetworkPolicy leads there. It has the serving certificate
of the reviews, which tells a stranger who owns these pods nothing new: the signing
key next to it is every identity already.
*/ -}}
{{- $_ := set $config.server "host" "127.0.0.1" -}}
{{- if include "authn-webhook.isLocal" $config.admin }}{{ $_ := unset $config.admin "host" }}{{ end -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* Whether a listener is reachable only from its own host. Call with its config. */}}
{{- define "authn-webhook.isLocal" -}}
{{- if has .host (list "127.0.0.1" "localhost" "::1") }}yes{{ end -}}
{{- end -}}

{{/* A duration such as `1m30s` in seconds, rounded up. */}}
{{- define "authn-webhook.seconds" -}}
{{- $units := dict "ns" 0.000000001 "us" 0.000001 "µs" 0.000001 "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 -}}
{{- $sum := 0.0 -}}
{{- range regexFindAll "[0-9.]+(ns|us|µs|ms|s|m|h)" . -1 -}}
{{- $sum = addf $sum (mulf (float64 (regexFind "[0-9.]+" .)) (get $units (regexFind "[^0-9.]+" .))) -}}
{{- end -}}
{{- ceil $sum | printf "%.0f" -}}
{{- end -}}

{{/* Whether a provider reads the Secret of users. */}}
{{- define "authn-webhook.readsUsers" -}}
{{- range .Values.config.identityProviders -}}
{{- if and (eq .kind "static") (hasPrefix "/etc/authn-webhook/users/" (dig "config" "usersFile" "" .)) }}yes{{ end -}}
{{- end -}}
{{- end -}}

{{/* Whether no provider needs the network. */}}
{{- define "authn-webhook.selfSufficient" -}}
{{- $remote := false -}}
{{- range .Values.config.identityProviders -}}
{{- if not (has .kind (list "static" "mock")) }}{{ $remote = true }}{{ end -}}
{{- end -}}
{{- if not $remote }}yes{{ end -}}
{{- end -}}
