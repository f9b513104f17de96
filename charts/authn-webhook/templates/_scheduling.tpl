{{/* Which nodes pods run on, and how they spread. */}}

{{/* matchLabelKeys that ignore the pods of other revisions. Call with `root` and `since`, the first version with the field enabled by default. */}}
{{- define "authn-webhook.sameRevision" -}}
{{- if semverCompare (printf ">=%s-0" .since) .root.Capabilities.KubeVersion.Version -}}
matchLabelKeys:
  - pod-template-hash
{{- end -}}
{{- end -}}

{{/*
For clusters without matchLabelKeys, a label of the chart's own: a hash of what
makes the Deployment replace its pods. `kubectl rollout restart` does not change it.
*/}}
{{- define "authn-webhook.revisionLabel" -}}
{{- if and (eq .Values.kind "Deployment") (semverCompare "<1.27.0-0" .Capabilities.KubeVersion.Version) -}}
authn-webhook/revision: {{ list (include "authn-webhook.podMetadata" .) (include "authn-webhook.podSpec" .) .Values.affinity .Values.topologySpreadConstraints | toJson | sha256sum | trunc 10 | quote }}
{{- end -}}
{{- end -}}

{{/* Selects the pods of this release, and of this revision where that label exists. */}}
{{- define "authn-webhook.spreadLabels" -}}
{{ include "authn-webhook.selectorLabels" . }}
{{- with include "authn-webhook.revisionLabel" . }}
{{ . }}
{{- end }}
{{- end -}}

{{- define "authn-webhook.controlPlaneAffinity" -}}
nodeAffinity:
  requiredDuringSchedulingIgnoredDuringExecution:
    # the label is empty on some distributions and "true" on others
    nodeSelectorTerms:
      - matchExpressions:
          - key: node-role.kubernetes.io/control-plane
            operator: Exists
{{- end -}}

{{/*
A preference, since with a topologySpreadConstraint for zones the scheduler would
ignore nodes without a zone when it spreads over hostnames, too.
*/}}
{{- define "authn-webhook.zoneAffinity" -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: topology.kubernetes.io/zone
        labelSelector:
          matchLabels:
            {{- include "authn-webhook.spreadLabels" . | nindent 12 }}
        {{- include "authn-webhook.sameRevision" (dict "root" . "since" "1.31.0") | nindent 8 }}
{{- end -}}

{{- define "authn-webhook.affinity" -}}
{{- if .Values.affinity -}}
{{- toYaml .Values.affinity -}}
{{- else if eq .Values.kind "DaemonSet" -}}
{{- include "authn-webhook.controlPlaneAffinity" . -}}
{{- else -}}
{{- include "authn-webhook.zoneAffinity" . -}}
{{- if eq (default "" .component) "login" }}
nodeAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      preference:
        matchExpressions:
          - key: node-role.kubernetes.io/control-plane
            operator: DoesNotExist
{{- end }}
{{- end -}}
{{- end -}}

{{/* For a Deployment, the tolerations of the values, and the following ones with other keys. */}}
{{- define "authn-webhook.tolerations" -}}
{{- if and (eq .Values.kind "DaemonSet") .Values.tolerations -}}
{{- toYaml .Values.tolerations -}}
{{- else if eq .Values.kind "DaemonSet" -}}
- operator: Exists
{{- else -}}
{{- $all := .Values.tolerations -}}
{{- $own := dict -}}
{{- range $all }}{{ with .key }}{{ $_ := set $own . true }}{{ end }}{{ end -}}
{{- /* people reach the sign-in service: it does not run beside API servers */ -}}
{{- range ternary list (list "node-role.kubernetes.io/control-plane" "node-role.kubernetes.io/master") (eq (default "" .component) "login") -}}
{{- if not (hasKey $own .) }}{{ $all = append $all (dict "key" . "operator" "Exists" "effect" "NoSchedule") }}{{ end -}}
{{- end -}}
{{- /* Kubernetes adds both with 300 s */ -}}
{{- range list "node.kubernetes.io/not-ready" "node.kubernetes.io/unreachable" -}}
{{- if not (hasKey $own .) }}{{ $all = append $all (dict "key" . "operator" "Exists" "effect" "NoExecute" "tolerationSeconds" 30) }}{{ end -}}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}
{{- end -}}

{{/* The constraints of the values, completed. */}}
{{- define "authn-webhook.topologySpreadConstraints" -}}
{{- $knowsKeys := include "authn-webhook.sameRevision" (dict "root" . "since" "1.27.0") -}}
{{- range .Values.topologySpreadConstraints }}
- {{ toYaml (empty $knowsKeys | ternary (omit . "matchLabelKeys") .) | nindent 2 | trim }}
  {{- if not .labelSelector }}
  labelSelector:
    matchLabels:
      {{- include "authn-webhook.spreadLabels" $ | nindent 6 }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Of the pod's spec, what relates it to the other pods. */}}
{{- define "authn-webhook.placement" -}}
affinity:
  {{- include "authn-webhook.affinity" . | nindent 2 }}
{{- if and (eq .Values.kind "Deployment") .Values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- include "authn-webhook.topologySpreadConstraints" . | trim | nindent 2 }}
{{- end }}
{{- end -}}
