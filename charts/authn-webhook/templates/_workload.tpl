{{/* Objects that reviews and the sign-in service both have. Call with the context of one of them. */}}

{{- define "authn-webhook.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "authn-webhook.workloadName" . }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "authn-webhook.labels" . | nindent 4 }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicaCount }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "authn-webhook.selectorLabels" . | nindent 6 }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      # no pod stops before its replacement is ready
      maxUnavailable: 0
      maxSurge: 1
  template:
    {{- include "authn-webhook.pod" . | nindent 4 }}
{{- end -}}

{{- define "authn-webhook.configMap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "authn-webhook.workloadName" . }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "authn-webhook.commonLabels" . | nindent 4 }}
data:
  config.yaml: |
    {{- include "authn-webhook.config" . | nindent 4 }}
{{- end -}}

{{- define "authn-webhook.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "authn-webhook.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "authn-webhook.commonLabels" . | nindent 4 }}
  {{- with .Values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end -}}

{{- define "authn-webhook.metricsService" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ printf "%s-metrics" (include "authn-webhook.workloadName" .) | trunc 63 | trimSuffix "-" }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "authn-webhook.labels" . | nindent 4 }}
  {{- with .Values.metrics.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: ClusterIP
  clusterIP: None
  ports:
    - name: metrics
      port: {{ int (include "authn-webhook.config" . | fromYaml).admin.port }}
      protocol: TCP
      targetPort: metrics
  selector:
    {{- include "authn-webhook.selectorLabels" . | nindent 4 }}
{{- end -}}

{{- define "authn-webhook.podDisruptionBudget" -}}
{{- $v1 := .Capabilities.APIVersions.Has "policy/v1" -}}
apiVersion: {{ ternary "policy/v1" "policy/v1beta1" $v1 }}
kind: PodDisruptionBudget
metadata:
  name: {{ include "authn-webhook.workloadName" . }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "authn-webhook.commonLabels" . | nindent 4 }}
spec:
  maxUnavailable: {{ .Values.podDisruptionBudget.maxUnavailable }}
  {{- if and $v1 (semverCompare ">=1.27.0-0" .Capabilities.KubeVersion.Version) }}
  # a pod that is broken must not keep its node from being drained
  unhealthyPodEvictionPolicy: AlwaysAllow
  {{- end }}
  selector:
    matchLabels:
      {{- include "authn-webhook.selectorLabels" . | nindent 6 }}
{{- end -}}

{{- define "authn-webhook.horizontalPodAutoscaler" -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "authn-webhook.workloadName" . }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "authn-webhook.commonLabels" . | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "authn-webhook.workloadName" . }}
  minReplicas: {{ .Values.autoscaling.minReplicas }}
  maxReplicas: {{ .Values.autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ .Values.autoscaling.targetCPUUtilizationPercentage }}
{{- end -}}
