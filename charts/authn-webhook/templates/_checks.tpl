{{/* Rules that values.schema.json can't express. */}}
{{- define "authn-webhook.checks" -}}
{{- include "authn-webhook.checkKind" . -}}
{{- $config := include "authn-webhook.config" . | fromYaml -}}
{{- include "authn-webhook.checkDrain" . -}}
{{- if eq (int $config.server.port) (int $config.admin.port) -}}
{{- fail (printf "\n\nconfig.server.port and config.admin.port are both %d: two listeners can't share a port." (int $config.admin.port)) -}}
{{- end -}}
{{- if or (eq (int $config.server.port) 0) (eq (int $config.admin.port) 0) -}}
{{- fail "\n\nconfig.server.port and config.admin.port must not be 0 here: the Service and the probes have to know them." -}}
{{- end -}}
{{- range $name, $listener := pick $config "server" "admin" -}}
{{- if and (eq $.Values.kind "Deployment") (include "authn-webhook.isLocal" $listener) -}}
{{- fail (printf "\n\nconfig.%s.host is %s, which neither API servers nor the kubelet's probes can reach from outside the pod. Remove it." $name $listener.host) -}}
{{- end -}}
{{- end -}}
{{- if and (include "authn-webhook.isLocal" $config.admin) (or .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled) -}}
{{- fail (printf "\n\nconfig.admin.host is %s, where Prometheus can't scrape metrics. Remove it." $config.admin.host) -}}
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
{{- with .Values.tls.helm -}}
{{- if and (eq $.Values.tls.mode "helm") (gt (int .days) (int .caDays)) -}}
{{- fail (printf "\n\ntls.helm.days (%d) is more than tls.helm.caDays (%d): the certificate would outlive its CA." (int .days) (int .caDays)) -}}
{{- end -}}
{{- if and (eq $.Values.tls.mode "helm") (ge (int .renewBeforeDays) (int .days)) -}}
{{- fail (printf "\n\ntls.helm.renewBeforeDays (%d) must be less than tls.helm.days (%d): every upgrade would renew the certificate." (int .renewBeforeDays) (int .days)) -}}
{{- end -}}
{{- end -}}
{{- with .Values.tls.certManager -}}
{{- if eq $.Values.tls.mode "certManager" -}}
{{- if gt (include "authn-webhook.seconds" .duration | int) (include "authn-webhook.seconds" .caDuration | int) -}}
{{- fail (printf "\n\ntls.certManager.duration (%s) is longer than tls.certManager.caDuration (%s): the certificate would outlive its CA." .duration .caDuration) -}}
{{- end -}}
{{- if ge (include "authn-webhook.seconds" .renewBefore | int) (include "authn-webhook.seconds" .duration | int) -}}
{{- fail (printf "\n\ntls.certManager.renewBefore (%s) must be less than tls.certManager.duration (%s): cert-manager would renew endlessly." .renewBefore .duration) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name := list "serviceMonitor" "podMonitor" -}}
{{- with get $.Values.metrics $name -}}
{{- if gt (include "authn-webhook.seconds" .scrapeTimeout | int) (include "authn-webhook.seconds" .interval | int) -}}
{{- fail (printf "\n\nmetrics.%s.scrapeTimeout (%s) is longer than metrics.%s.interval (%s), which Prometheus rejects." $name .scrapeTimeout $name .interval) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (eq .Values.kind "DaemonSet") -}}
{{- fail "\n\nautoscaling is for kind: Deployment; a DaemonSet has one pod per node." -}}
{{- end -}}
{{- if and (eq .Values.tls.mode "helm") (include "authn-webhook.blind" .) -}}
{{- fail "\n\ntls.mode is helm, which needs access to the cluster to reuse its CA: without it, as in helm template, --dry-run=client and Argo CD, each rendering would create another CA, which API servers don't trust. Use\n  - helm install and helm upgrade (for a preview: --dry-run=server), or Flux, or\n  - tls.mode: certManager, or\n  - tls.mode: existingSecret, with a Secret made by \"authn-webhook certs\"." -}}
{{- end -}}
{{- if and (include "authn-webhook.readsUsers" .) (not .Values.users.existingSecret) (include "authn-webhook.blind" .) -}}
{{- fail "\n\nusers.existingSecret is empty, and the cluster can't be accessed here to look for existing users: an empty list would lock them out. Create the Secret yourself, and set users.existingSecret:\n\n  kubectl --namespace kube-system create secret generic authn-webhook-users --from-file=users.yaml" -}}
{{- end -}}
{{- include "authn-webhook.checkNames" (dict "name" "secretMounts has" "items" .Values.secretMounts) -}}
{{- if include "authn-webhook.loginEnabled" . }}{{ include "authn-webhook.loginChecks" . }}{{ end -}}
{{- end -}}

{{/* Whether pods have the time to drain. Call with the context of reviews or of the sign-in service. */}}
{{- define "authn-webhook.checkDrain" -}}
{{- $server := (include "authn-webhook.config" . | fromYaml).server -}}
{{- $delay := $server.shutdownDelay -}}
{{- $timeout := default "8s" $server.timeout -}}
{{- $drain := add (include "authn-webhook.seconds" $delay) (include "authn-webhook.seconds" $timeout) 12 -}}
{{- if le (int .Values.terminationGracePeriodSeconds) (int $drain) -}}
{{- fail (printf "\n\nterminationGracePeriodSeconds is %d, and must be more than %d: config.server.shutdownDelay (%s), config.server.timeout (%s) and 12 s. A pod that is killed in its drain loses reviews." (int .Values.terminationGracePeriodSeconds) $drain $delay $timeout) -}}
{{- end -}}
{{- end -}}

{{/* What the cluster has to say of `kind`. */}}
{{- define "authn-webhook.checkKind" -}}
{{- $ns := .Release.Namespace -}}
{{- $other := ternary "Deployment" "DaemonSet" (eq .Values.kind "DaemonSet") -}}
{{- if and .Release.IsUpgrade (not .Values.allowKindChange) (lookup "apps/v1" $other $ns (include "authn-webhook.fullname" .)) -}}
{{- fail (printf "\n\nkind is %s, and the release %s is a %s: the upgrade would remove the address that API servers call, and users could not log in through the webhook until every API server has the new webhook config. Install a second release beside it, give the API servers its webhook config one after another, and then uninstall %s:\n\n  helm -n %s install %s-new charts/authn-webhook --set kind=%s,users.existingSecret=%s\n\nTo accept the interruption instead: --set allowKindChange=true" .Values.kind .Release.Name $other .Release.Name $ns .Release.Name .Values.kind (include "authn-webhook.usersSecret" .)) -}}
{{- end -}}
{{- if eq .Values.kind "DaemonSet" -}}
{{- $level := dig "metadata" "labels" "pod-security.kubernetes.io/enforce" "" (lookup "v1" "Namespace" "" $ns) -}}
{{- if has $level (list "baseline" "restricted") -}}
{{- fail (printf "\n\nkind is DaemonSet, whose pods use the host's network, and the namespace %s enforces the Pod Security Standard %q, which forbids that: no pod would be created. Install it in kube-system or another namespace that enforces \"privileged\", or use kind: Deployment." $ns $level) -}}
{{- end -}}
{{- end -}}
{{- end -}}
