{{/* The pod of Deployment and DaemonSet. Call with the context of reviews or of the sign-in service. */}}
{{- define "authn-webhook.pod" -}}
metadata:
  {{- include "authn-webhook.podMetadata" . | nindent 2 }}
    {{- with include "authn-webhook.revisionLabel" . }}
    {{- . | nindent 4 }}
    {{- end }}
spec:
  {{- include "authn-webhook.podSpec" . | nindent 2 }}
  {{- include "authn-webhook.placement" . | nindent 2 }}
{{- end -}}

{{- define "authn-webhook.podMetadata" -}}
annotations:
  # the config is read once; users, certificates and secrets are watched
  checksum/config: {{ include "authn-webhook.config" . | sha256sum }}
  {{- with .Values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
labels:
  {{- include "authn-webhook.labels" . | nindent 2 }}
  {{- with .Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "authn-webhook.podSpec" -}}
{{- $config := include "authn-webhook.config" . | fromYaml -}}
{{- $daemon := eq .Values.kind "DaemonSet" -}}
{{- $knowsGrace := semverCompare ">=1.25.0-0" .Capabilities.KubeVersion.Version -}}
serviceAccountName: {{ include "authn-webhook.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
{{- if $daemon }}
hostNetwork: true
{{- end }}
dnsPolicy: {{ default (ternary "ClusterFirstWithHostNet" "ClusterFirst" $daemon) .Values.dnsPolicy }}
{{- with .Values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
containers:
  - name: authn-webhook
    image: {{ include "authn-webhook.image" . | quote }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    args: [serve]
    env:
      - name: AUTHN_WEBHOOK_CONFIG
        value: /etc/authn-webhook/config/config.yaml
      {{- with .Values.extraEnv }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    ports:
      {{- if $config.login }}
      - name: login
        containerPort: {{ include "authn-webhook.loginPort" . }}
      {{- else }}
      - name: https
        containerPort: {{ int $config.server.port }}
      {{- end }}
        protocol: TCP
      - name: metrics
        containerPort: {{ int $config.admin.port }}
        protocol: TCP
    {{- range $probe, $path := dict "startupProbe" "/readyz" "readinessProbe" "/readyz" "livenessProbe" "/livez" }}
    {{ $probe }}:
      httpGet:
        {{- if include "authn-webhook.isLocal" $config.admin }}
        host: {{ $config.admin.host | quote }}
        {{- end }}
        path: {{ $path }}
        port: {{ int $config.admin.port }}
      {{- toYaml ($knowsGrace | ternary (get $.Values $probe) (omit (get $.Values $probe) "terminationGracePeriodSeconds")) | nindent 6 }}
    {{- end }}
    securityContext:
      {{- toYaml .Values.securityContext | nindent 6 }}
    {{- with .Values.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    volumeMounts:
      - name: config
        mountPath: /etc/authn-webhook/config
        readOnly: true
      - name: tls
        mountPath: /etc/authn-webhook/tls
        readOnly: true
      {{- if include "authn-webhook.readsUsers" . }}
      - name: users
        mountPath: /etc/authn-webhook/users
        readOnly: true
      {{- end }}
      {{- range .Values.secretMounts }}
      - name: secret-{{ .name }}
        mountPath: /etc/authn-webhook/secrets/{{ .name }}
        readOnly: true
      {{- end }}
      {{- if include "authn-webhook.loginEnabled" . }}
      {{- include "authn-webhook.sessionMounts" . | nindent 6 }}
      {{- end }}
      {{- with .Values.extraVolumeMounts }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
volumes:
  - name: config
    configMap:
      name: {{ include "authn-webhook.workloadName" . }}
  # readable only for the user and fsGroup
  - name: tls
    secret:
      secretName: {{ include "authn-webhook.tlsSecret" . }}
      defaultMode: 288 # 0440
  {{- if include "authn-webhook.readsUsers" . }}
  - name: users
    secret:
      secretName: {{ include "authn-webhook.usersSecret" . }}
      defaultMode: 288 # 0440
  {{- end }}
  {{- range .Values.secretMounts }}
  - name: secret-{{ .name }}
    secret:
      secretName: {{ .secretName }}
      defaultMode: 288 # 0440
      {{- with .items }}
      items:
        {{- toYaml . | nindent 8 }}
      {{- end }}
  {{- end }}
  {{- if include "authn-webhook.loginEnabled" . }}
  {{- include "authn-webhook.sessionVolumes" . | nindent 2 }}
  {{- end }}
  {{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
tolerations:
  {{- include "authn-webhook.tolerations" . | nindent 2 }}
{{- end -}}
