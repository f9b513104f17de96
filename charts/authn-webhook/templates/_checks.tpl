{{/* What a schema can't say of the values. */}}
{{- define "authn-webhook.checks" -}}
{{- $config := include "authn-webhook.config" . | fromYaml -}}
{{- $delay := $config.server.shutdownDelay -}}
{{- $timeout := default "8s" $config.server.timeout -}}
{{- $drain := add (include "authn-webhook.seconds" $delay) (include "authn-webhook.seconds" $timeout) 12 -}}
{{- if le (int .Values.terminationGracePeriodSeconds) (int $drain) -}}
{{- fail (printf "\n\nterminationGracePeriodSeconds is %d, and must be more than %d: config.server.shutdownDelay (%s), config.server.timeout (%s) and 12 s. A pod that is killed in its drain loses reviews." (int .Values.terminationGracePeriodSeconds) $drain $delay $timeout) -}}
{{- end -}}
{{- if eq (int $config.server.port) (int $config.admin.port) -}}
{{- fail (printf "\n\nconfig.server.port and config.admin.port are both %d: two listeners can't share a port." (int $config.admin.port)) -}}
{{- end -}}
{{- if or (eq (int $config.server.port) 0) (eq (int $config.admin.port) 0) -}}
{{- fail "\n\nconfig.server.port and config.admin.port must not be 0 here: the Service and the probes have to know them." -}}
{{- end -}}
{{- range $name, $listener := pick $config "server" "admin" -}}
{{- if and (eq $.Values.kind "Deployment") (include "authn-webhook.isLocal" $listener) -}}
{{- fail (printf "\n\nconfig.%s.host is %s: nobody reaches that from outside of the pod, neither API servers nor the kubelet's probes. Leave it out." $name $listener.host) -}}
{{- end -}}
{{- end -}}
{{- if and (include "authn-webhook.isLocal" $config.admin) (or .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled) -}}
{{- fail (printf "\n\nconfig.admin.host is %s, and metrics are to be scraped, from elsewhere. Leave it out." $config.admin.host) -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.service.enabled) -}}
{{- fail "\n\nmetrics.serviceMonitor needs metrics.service.enabled; metrics.podMonitor does without." -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled -}}
{{- fail "\n\nmetrics.serviceMonitor and metrics.podMonitor are both on: everything would be counted twice." -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- fail (printf "\n\nautoscaling.minReplicas (%d) is more than autoscaling.maxReplicas (%d)." (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (eq .Values.kind "DaemonSet") -}}
{{- fail "\n\nautoscaling is for kind: Deployment; a DaemonSet has one pod a node." -}}
{{- end -}}
{{- if and (eq .Values.tls.mode "helm") (include "authn-webhook.blind" .) -}}
{{- fail "\n\ntls.mode is helm, which keeps its authority by looking into the cluster, and nothing can be looked up here: each rendering would mint another authority, and API servers trust one. This is what helm template, --dry-run=client and Argo CD do. Use\n  - helm install and helm upgrade, or Flux, which look (to see the result before: --dry-run=server), or\n  - tls.mode: certManager, or\n  - tls.mode: existingSecret, with a Secret made by \"authn-webhook certs\"." -}}
{{- end -}}
{{- if and (include "authn-webhook.readsUsers" .) (not .Values.users.existingSecret) (include "authn-webhook.blind" .) -}}
{{- fail "\n\nusers.existingSecret is empty, and nothing can be looked up in the cluster here: whether its users are there already can't be told, and an empty list in their place would lock them out. Make the Secret yourself, and name it:\n\n  kubectl --namespace kube-system create secret generic authn-webhook-users --from-file=users.yaml" -}}
{{- end -}}
{{- range .Values.secretMounts -}}
{{- $name := .name -}}
{{- $count := 0 -}}
{{- range $.Values.secretMounts }}{{ if eq .name $name }}{{ $count = add1 $count }}{{ end }}{{ end -}}
{{- if gt (int $count) 1 }}{{ fail (printf "\n\nsecretMounts has two of the name %q: each is a directory of its own." $name) }}{{ end -}}
{{- end -}}
{{- end -}}
