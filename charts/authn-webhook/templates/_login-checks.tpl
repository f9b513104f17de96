{{/* Rules of `login` that values.schema.json can't express. */}}
{{- define "authn-webhook.loginChecks" -}}
{{- include "authn-webhook.checkSignIn" . -}}
{{- include "authn-webhook.checkSessions" . -}}
{{- include "authn-webhook.checkStore" . -}}
{{- include "authn-webhook.checkRoutes" . -}}
{{- include "authn-webhook.checkSigningKeys" . -}}
{{- $login := dict -}}
{{- include "authn-webhook.loginContext" (list $login .) -}}
{{- include "authn-webhook.checkDrain" $login -}}
{{- if and (not .Values.login.revocations.existingConfigMap) (include "authn-webhook.blind" .) -}}
{{- fail (printf "\n\nlogin.revocations.existingConfigMap is empty, and the cluster can't be accessed here to look for existing revocations: an empty list would admit revoked tokens. Create the ConfigMap yourself, and set login.revocations.existingConfigMap:\n\n  printf 'apiVersion: authn-webhook/v1\\nrevocations: []\\n' > revocations.yaml\n  kubectl --namespace %s create configmap %s --from-file=revocations.yaml" .Release.Namespace (include "authn-webhook.revocationsConfigMap" .)) -}}
{{- end -}}
{{- include "authn-webhook.checkNames" (dict "name" "secretMounts and login.secretMounts together have" "items" (concat .Values.secretMounts .Values.login.secretMounts)) -}}
{{- end -}}

{{/* What people need to sign in. */}}
{{- define "authn-webhook.checkSignIn" -}}
{{- $config := .Values.login.config -}}
{{- if not $config.issuer -}}
{{- fail "\n\nlogin.enabled needs login.config.issuer: the URL at which browsers reach the sign-in service, such as https://login.example.com. It is in every token, so changing it later signs everyone out." -}}
{{- end -}}
{{- if not $config.clients -}}
{{- fail "\n\nlogin.enabled needs login.config.clients: at least one for this cluster, such as\n\n  clients: [{ id: production, cluster: { server: \"https://api.example.com:6443\" } }]" -}}
{{- end -}}
{{- $able := list -}}
{{- $names := list -}}
{{- range .Values.config.identityProviders -}}
{{- $names = append $names .name -}}
{{- $reason := include "authn-webhook.cannotSignIn" . -}}
{{- if not $reason }}{{ $able = append $able .name }}{{ end -}}
{{- if and $reason (has .name (default list $config.providers)) -}}
{{- fail (printf "\n\nlogin.config.providers names %q, whose users can't sign in: %s. Remove it from the list." .name $reason) -}}
{{- end -}}
{{- end -}}
{{- range $config.providers -}}
{{- if not (has . $names) }}{{ fail (printf "\n\nlogin.config.providers names %q, and config.identityProviders has %s." . ($names | join ", ")) }}{{ end -}}
{{- end -}}
{{- if not $able -}}
{{- fail "\n\nlogin.enabled needs an identity provider whose users can sign in, which means that it checks passwords and looks up users: kind static, ldap with bindDN, or a module." -}}
{{- end -}}
{{- end -}}

{{/* Why users of a provider can't sign in; a module knows by itself. Call with its entry. */}}
{{- define "authn-webhook.cannotSignIn" -}}
{{- if eq .kind "jwt" -}}
kind jwt checks no passwords
{{- else if eq .kind "mock" -}}
kind mock looks up no users
{{- else if and (eq .kind "ldap") (empty (dig "bindDN" "" (default dict .config))) -}}
kind ldap without bindDN looks up no users
{{- end -}}
{{- end -}}

{{- define "authn-webhook.checkSessions" -}}
{{- range $field := keys (default dict .Values.config.sessions) | sortAlpha -}}
{{- if ne $field "audiences" -}}
{{- fail (printf "\n\nconfig.sessions.%s is set, and login.enabled sets it: remove it. It is for clusters whose people sign in at another one." $field) -}}
{{- end -}}
{{- end -}}
{{- $config := include "authn-webhook.config" . | fromYaml -}}
{{- $port := include "authn-webhook.loginPort" . | int -}}
{{- if has $port (list 0 (int $config.server.port) (int $config.admin.port)) -}}
{{- fail (printf "\n\nlogin.config.port is %d: it must be a port of its own, other than config.server.port (%d), config.admin.port (%d) and 0, which would be any." $port (int $config.server.port) (int $config.admin.port)) -}}
{{- end -}}
{{- end -}}

{{- define "authn-webhook.checkStore" -}}
{{- with .Values.login -}}
{{- if eq .store.kind "memory" -}}
{{- if .autoscaling.enabled -}}
{{- fail "\n\nlogin.autoscaling needs login.store.kind: redis: with memory, a second pod knows nothing of the sign-ins of the first." -}}
{{- end -}}
{{- if gt (int .replicaCount) 1 -}}
{{- fail (printf "\n\nlogin.replicaCount is %d, and login.store.kind is memory: each pod would know nothing of the sign-ins of the others. Use one pod, or login.store.kind: redis." (int .replicaCount)) -}}
{{- end -}}
{{- range $field := list "url" "username" "passwordSecret" "caSecret" "cluster" -}}
{{- if get $.Values.login.store $field }}{{ fail (printf "\n\nlogin.store.%s is set, and login.store.kind is memory. Set login.store.kind: redis." $field) }}{{ end -}}
{{- end -}}
{{- else -}}
{{- if not .store.url }}{{ fail "\n\nlogin.store.kind is redis, and needs login.store.url, such as rediss://redis.example.com:6379." }}{{ end -}}
{{- if and .store.caSecret (hasPrefix "redis:" .store.url) -}}
{{- fail "\n\nlogin.store.caSecret needs a login.store.url that begins with rediss://: without TLS there is no certificate to verify." -}}
{{- end -}}
{{- if and $.Values.networkPolicy.enabled $.Values.networkPolicy.egress (not .networkPolicy.storeEgress) -}}
{{- fail "\n\nnetworkPolicy.egress limits what pods may reach, and login.networkPolicy.storeEgress is empty: they would not reach Redis. Set it to egress rules for Redis." -}}
{{- end -}}
{{- end -}}
{{- if and .autoscaling.enabled (gt (int .autoscaling.minReplicas) (int .autoscaling.maxReplicas)) -}}
{{- fail (printf "\n\nlogin.autoscaling.minReplicas (%d) is more than login.autoscaling.maxReplicas (%d)." (int .autoscaling.minReplicas) (int .autoscaling.maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "authn-webhook.checkRoutes" -}}
{{- with .Values.login -}}
{{- if and (eq .tls.mode "ingress") (not .config.trustedProxies) -}}
{{- fail "\n\nlogin.tls.mode is ingress, and needs login.config.trustedProxies: the addresses of the pods or load balancers that speak TLS for the sign-in service, such as [10.244.0.0/16]. It believes their X-Forwarded-For. Without a proxy: login.tls.mode: existingSecret or certManager." -}}
{{- end -}}
{{- if and (eq .tls.mode "certManager") (not .tls.issuerRef) -}}
{{- fail "\n\nlogin.tls.mode is certManager, and needs login.tls.issuerRef: an issuer that people's browsers trust, such as {name: letsencrypt, kind: ClusterIssuer, group: cert-manager.io}." -}}
{{- end -}}
{{- range $route := list "ingress" "httpRoute" -}}
{{- if and (get $.Values.login $route).enabled (ne $.Values.login.tls.mode "ingress") -}}
{{- fail (printf "\n\nlogin.%s.enabled needs login.tls.mode: ingress, and that is %s: it would speak plain HTTP to pods that expect TLS." $route $.Values.login.tls.mode) -}}
{{- end -}}
{{- end -}}
{{- if and .httpRoute.enabled (not .httpRoute.parentRefs) -}}
{{- fail "\n\nlogin.httpRoute.enabled needs login.httpRoute.parentRefs: the Gateways that it belongs to, such as [{name: public, namespace: gateways}]." -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "authn-webhook.checkSigningKeys" -}}
{{- include "authn-webhook.checkNames" (dict "name" "login.signingKeys has" "items" .Values.login.signingKeys) -}}
{{- range .Values.login.signingKeys -}}
{{- if and (not .secretName) (include "authn-webhook.blind" $) -}}
{{- fail (printf "\n\nlogin.signingKeys has %q without secretName, and the cluster can't be accessed here to reuse its key: each rendering would create another one, and sign everyone out. Create the Secret yourself, and set secretName:\n\n  authn-webhook keys add --dir keys\n  kubectl --namespace %s create secret tls %s --cert=keys/NAME.crt --key=keys/NAME.key" .name $.Release.Namespace (include "authn-webhook.signingKeySecret" (dict "root" $ "key" .))) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Each name once. Call with `items`, and `name` with its verb. */}}
{{- define "authn-webhook.checkNames" -}}
{{- $seen := dict -}}
{{- range .items -}}
{{- if hasKey $seen .name }}{{ fail (printf "\n\n%s more than one entry with the name %q: each needs a name of its own." $.name .name) }}{{ end -}}
{{- $_ := set $seen .name true -}}
{{- end -}}
{{- end -}}
