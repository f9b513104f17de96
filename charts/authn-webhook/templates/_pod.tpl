{{/* The pod of Deployment and DaemonSet. */}}
{{- define "authn-webhook.pod" -}}
{{- $config := include "authn-webhook.config" . | fromYaml -}}
{{- $daemon := eq .Values.kind "DaemonSet" -}}
{{- $knowsGrace := semverCompare ">=1.25.0-0" .Capabilities.KubeVersion.Version -}}
metadata:
  labels:
    {{- include "authn-webhook.labels" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # the config is read once; users, certificates and secrets are watched
    checksum/config: {{ include "authn-webhook.config" . | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "authn-webhook.serviceAccountName" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
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
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.hostAliases }}
  hostAliases:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  containers:
    - name: authn-webhook
      image: {{ include "authn-webhook.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [serve]
      env:
        - name: AUTHN_WEBHOOK_CONFIG
          value: /etc/authn-webhook/config/config.yaml
        {{- with .Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        - name: https
          containerPort: {{ int $config.server.port }}
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
        {{- toYaml ($knowsGrace | ternary (get $.Values $probe) (omit (get $.Values $probe) "terminationGracePeriodSeconds")) | nindent 8 }}
      {{- end }}
      securityContext:
        {{- toYaml .Values.securityContext | nindent 8 }}
      {{- with .Values.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
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
        {{- with .Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      configMap:
        name: {{ include "authn-webhook.fullname" . }}
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
          {{- toYaml . | nindent 10 }}
        {{- end }}
    {{- end }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  affinity:
    {{- include "authn-webhook.affinity" . | nindent 4 }}
  tolerations:
    {{- include "authn-webhook.tolerations" . | nindent 4 }}
  {{- if and (not $daemon) .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- include "authn-webhook.topologySpreadConstraints" . | trim | nindent 4 }}
  {{- end }}
{{- end -}}
