{{/* Names, labels and the image. */}}

{{- define "authn-webhook.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* 52 characters leave room for suffixes such as -selfsigned. */}}
{{- define "authn-webhook.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "authn-webhook.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Of the Deployment or DaemonSet and what belongs to it. */}}
{{- define "authn-webhook.workloadName" -}}
{{- include "authn-webhook.fullname" . }}{{ if eq (default "" .component) "login" }}-login{{ end -}}
{{- end -}}

{{- define "authn-webhook.selectorLabels" -}}
app.kubernetes.io/name: {{ include "authn-webhook.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: {{ default "webhook" .component }}
{{- end -}}

{{- define "authn-webhook.labels" -}}
{{ include "authn-webhook.selectorLabels" . }}
{{ include "authn-webhook.commonLabels" . }}
{{- end -}}

{{/* For objects that selectors of the service must not match. */}}
{{- define "authn-webhook.commonLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: authn-webhook
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "authn-webhook.image" -}}
{{- with .Values.image -}}
{{- $name := .repository -}}
{{- if .registry }}{{ $name = printf "%s/%s" (trimSuffix "/" .registry) .repository }}{{ end -}}
{{- if .digest -}}
{{- printf "%s@%s" $name .digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default $.Chart.AppVersion .tag) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "authn-webhook.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "authn-webhook.workloadName" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "authn-webhook.usersSecret" -}}
{{- default (printf "%s-users" (include "authn-webhook.fullname" .)) .Values.users.existingSecret -}}
{{- end -}}

{{- define "authn-webhook.tlsSecret" -}}
{{- $own := printf "%s-tls" (include "authn-webhook.fullname" .) -}}
{{- if eq .Values.tls.mode "existingSecret" -}}
{{- default $own .Values.tls.existingSecret -}}
{{- else -}}
{{- $own -}}
{{- end -}}
{{- end -}}

{{/* The files of an API server besides the webhook config; absent with mode existingSecret. */}}
{{- define "authn-webhook.apiServerSecret" -}}
{{- printf "%s-apiserver" (include "authn-webhook.fullname" .) -}}
{{- end -}}

{{- define "authn-webhook.handoverConfigMap" -}}
{{- printf "%s-webhook-config" (include "authn-webhook.fullname" .) -}}
{{- end -}}

{{- define "authn-webhook.stepsConfigMap" -}}
{{- printf "%s-steps" (include "authn-webhook.fullname" .) -}}
{{- end -}}
