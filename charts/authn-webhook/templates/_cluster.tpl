{{/*
What the chart looks up in the cluster. `helm template`, `--dry-run=client` and
Argo CD render without access to it: then no lookup finds anything.
*/}}

{{/* A list is empty in a cluster, and absent without access to one. */}}
{{- define "authn-webhook.blind" -}}
{{- if empty (lookup "v1" "Service" .Release.Namespace "") }}yes{{ end -}}
{{- end -}}

{{/* The IP address at which API servers reach a Deployment. */}}
{{- define "authn-webhook.clusterIP" -}}
{{- $name := include "authn-webhook.fullname" . -}}
{{- $wanted := .Values.service.clusterIP -}}
{{- $live := dig "spec" "clusterIP" "" (lookup "v1" "Service" .Release.Namespace $name) -}}
{{- if and $wanted $live (ne $wanted $live) -}}
{{- fail (printf "\n\nservice.clusterIP is %s, and the Service %s has %s: an address can't be changed. Delete the Service first (kubectl -n %s delete service %s), and give the API servers the new webhook config." $wanted $name $live .Release.Namespace $name) -}}
{{- else if $wanted -}}
{{- $wanted -}}
{{- else if $live -}}
{{- $live -}}
{{- else if include "authn-webhook.blind" . -}}
{{- fail "\n\nservice.clusterIP is empty, and nothing can be looked up in the cluster here. API servers use no cluster DNS, so the Service needs an address that stays. Type\n\n  kubectl get service kubernetes --namespace default --output 'jsonpath={.spec.clusterIP}'\n\nand set service.clusterIP to that address plus 1 to 15, one that no Service has (10.96.0.1 → 10.96.0.14). That lower part of the range is where Kubernetes hands nothing out by chance." -}}
{{- else -}}
{{- include "authn-webhook.freeClusterIP" . -}}
{{- end -}}
{{- end -}}

{{/*
A free address of the statically allocated band. The Service `kubernetes` has
the first address of the range; the band is the next min(max(16, size / 16), 256)
(https://kubernetes.io/docs/concepts/services-networking/cluster-ip-allocation/),
so the 15 behind it are in it, whatever the size. The tenth is left to cluster DNS.
*/}}
{{- define "authn-webhook.freeClusterIP" -}}
{{- $first := dig "spec" "clusterIP" "" (lookup "v1" "Service" "default" "kubernetes") -}}
{{- $taken := dict -}}
{{- range dig "items" list (lookup "v1" "Service" "" "") -}}
{{- range .spec.clusterIPs }}{{ $_ := set $taken . true }}{{ end -}}
{{- with .spec.clusterIP }}{{ $_ := set $taken . true }}{{ end -}}
{{- end -}}
{{- $found := "" -}}
{{- range $offset := list 14 13 12 11 9 8 7 6 5 4 3 2 -}}
{{- $candidate := "" -}}
{{- if regexMatch "^([0-9]+\\.){3}[0-9]+$" $first -}}
{{- $octets := splitList "." $first -}}
{{- $last := add (sub (last $octets | int) 1) $offset -}}
{{- if le $last 255 }}{{ $candidate = printf "%s.%d" (initial $octets | join ".") $last }}{{ end -}}
{{- else if regexMatch ":1$" $first -}}
{{- $candidate = printf "%s%x" (trimSuffix "1" $first) $offset -}}
{{- end -}}
{{- if and $candidate (not $found) (not (hasKey $taken $candidate)) }}{{ $found = $candidate }}{{ end -}}
{{- end -}}
{{- required (printf "\n\nservice.clusterIP is empty, and no free address was found behind that of the Service default/kubernetes (%s). Set one of the Service range that no Service has: kubectl get services --all-namespaces" $first) $found -}}
{{- end -}}

{{/* The URL that API servers call. */}}
{{- define "authn-webhook.url" -}}
{{- $config := include "authn-webhook.config" . | fromYaml -}}
{{- $path := default "/authenticate" $config.server.path -}}
{{- if eq .Values.kind "DaemonSet" -}}
{{- printf "https://127.0.0.1:%d%s" (int $config.server.port) $path -}}
{{- else -}}
{{- $address := include "authn-webhook.clusterIP" . -}}
{{- $port := int .Values.service.port -}}
{{- printf "https://%s%s%s" (ternary (printf "[%s]" $address) $address (contains ":" $address)) (ternary "" (printf ":%d" $port) (eq $port 443)) $path -}}
{{- end -}}
{{- end -}}
