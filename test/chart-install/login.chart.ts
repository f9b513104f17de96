/** The sign-in service as the chart renders it: pods of its own, what is mounted where, how people reach it, and what is refused. */
import { test } from 'tap'
import type { Manifest } from './manifests.js'
import { ci } from './release.js'
import { configOf, find, podOf, render, template } from './render.js'

const MEMORY = ['--values', ci('login')]
const REDIS = ['--values', ci('login-redis')]
const COMPONENT = 'app.kubernetes.io/component'

test('without login.enabled the chart is what it is without any value of login', async t => {
  const without = (await template('--values', ci('existing-secret'))).stdout
  t.notMatch(without, /login/)
  t.equal((await template(...MEMORY, '--set', 'login.enabled=false')).stdout, without)
  t.equal((await template('--values', ci('existing-secret'), '--set', 'login=null')).stdout, without, 'as with --reuse-values of a release that has no such values')
})

test('one config for both: reviews accept tokens, the sign-in service issues them', async t => {
  for (const values of [MEMORY, [...REDIS, '--set', 'config.admin.host=127.0.0.1,metrics.podMonitor.enabled=false']]) {
    const manifests = await render(...values)
    const [reviews, login] = [configOf(manifests, 'authn-webhook'), configOf(manifests, 'authn-webhook-login')]
    t.strictSame(login.identityProviders, reviews.identityProviders, 'tokens name their provider')
    t.equal(reviews.login, undefined)
    t.equal(login.sessions, undefined)
    t.equal(reviews.sessions.issuer, login.login.issuer)
    t.strictSame(login.store, reviews.store, 'and they share the counts of wrong passwords')
    t.equal(login.server.host, '127.0.0.1', 'nobody reaches the review listener of the sign-in service')
    t.equal(login.admin.host, undefined, 'the kubelet probes it, whatever reviews do')
  }
  t.strictSame(configOf(await render(...MEMORY), 'authn-webhook').sessions.audiences, ['production'], 'every client')
  t.strictSame(configOf(await render(...REDIS), 'authn-webhook').sessions.audiences, ['production'], 'the one of this cluster')
  t.match(configOf(await render(...REDIS), 'authn-webhook-login').store, { url: 'rediss://redis.example.com:6379/0', username: 'authn-webhook', password: { file: '/etc/authn-webhook/store/password' }, caFile: '/etc/authn-webhook/store/ca.crt' })
})

test('only sign-in pods have private keys; reviews have their certificates', async t => {
  const manifests = await render(...REDIS)
  const keys = (pod: any): any[] => pod.spec.volumes.filter(({ projected }: any) => JSON.stringify(projected ?? {}).includes('keys-of-'))
  const [signing, ...others] = keys(podOf(manifests, 'authn-webhook-login'))
  t.strictSame(others, [])
  t.strictSame(signing.projected, {
    defaultMode: 0o440,
    sources: ['k2026', 'k2027'].map(name => ({ secret: { name: name.replace('k', 'keys-of-'), items: [{ key: 'tls.crt', path: `${name}.crt` }, { key: 'tls.key', path: `${name}.key` }] } }))
  })
  const [verifying, ...more] = keys(podOf(manifests))
  t.strictSame(more, [])
  t.strictSame(verifying.projected.sources.flatMap(({ secret }: any) => secret.items), [{ key: 'tls.crt', path: 'k2026.crt' }, { key: 'tls.crt', path: 'k2027.crt' }])
  t.notMatch(JSON.stringify(podOf(manifests)), /headlamp/, 'nor have they the secrets of web applications')
  t.match(podOf(manifests).spec.volumes.find(({ name }: any) => name === 'revocations'), { configMap: { name: 'authn-webhook-revocations' } })
  t.strictSame(configOf(manifests, 'authn-webhook-login').login.signingKeys.map(({ keyFile }: any) => keyFile), ['/etc/authn-webhook/signing-keys/k2027.key', '/etc/authn-webhook/signing-keys/k2026.key'], 'the first signs')
})

test('which key signs is no business of reviews: their pods are not replaced', async t => {
  const keys = [{ name: 'a', secretName: 'a' }, { name: 'b', secretName: 'b' }]
  const [one, other] = await Promise.all([keys, keys.toReversed()].map(async list => await render(...MEMORY, '--set-json', `login.signingKeys=${JSON.stringify(list)}`)))
  const annotations = (manifests: readonly Manifest[], name: string): any => podOf(manifests, name).metadata.annotations
  t.strictSame(podOf(one!), podOf(other!))
  t.not(annotations(one!, 'authn-webhook-login')['checksum/config'], annotations(other!, 'authn-webhook-login')['checksum/config'])
  const longer = await render(...MEMORY, '--set-json', `login.signingKeys=${JSON.stringify([...keys, { name: 'c', secretName: 'c' }])}`)
  t.not(annotations(one!, 'authn-webhook')['checksum/config'], annotations(longer, 'authn-webhook')['checksum/config'])
})

test('sign-in pods', async t => {
  const manifests = await render(...REDIS)
  const { metadata, spec } = podOf(manifests, 'authn-webhook-login')
  t.match(metadata, { labels: { [COMPONENT]: 'login', 'example.com/e': 'f' }, annotations: { 'example.com/c': 'd' } })
  t.match(spec, { serviceAccountName: 'authn-webhook-login', priorityClassName: 'high', nodeSelector: { 'example.com/people': 'true' }, dnsPolicy: 'ClusterFirst' })
  t.equal(spec.hostNetwork, undefined, 'reviews are a DaemonSet on the network of the host')
  t.notMatch(JSON.stringify(spec.tolerations), /control-plane|master/)
  t.match(spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution, [{ preference: { matchExpressions: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'DoesNotExist' }] } }])
  t.match(spec.topologySpreadConstraints, [{ labelSelector: { matchLabels: { [COMPONENT]: 'login' } } }])
  t.strictSame(spec.containers[0].ports.map(({ name, containerPort }: any) => [name, containerPort]), [['login', 8500], ['metrics', 9443]], 'the review listener has no port')
  t.match(find(manifests, 'ServiceAccount', 'authn-webhook-login'), { automountServiceAccountToken: false, metadata: { annotations: { 'example.com/a': 'b' } } })
  const deployment = find(manifests, 'Deployment', 'authn-webhook-login')['spec']
  t.match(deployment, { selector: { matchLabels: { [COMPONENT]: 'login' } }, strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } } })
  t.notMatch(JSON.stringify(podOf(manifests).spec), /"high"|example\.com\/people/, 'reviews have their own')
})

test('how many', async t => {
  const one = await render(...MEMORY)
  t.equal(find(one, 'Deployment', 'authn-webhook-login')['spec'].replicas, 1)
  const names = (manifests: readonly Manifest[], kind: string): string[] => manifests.filter(manifest => manifest.kind === kind).map(({ metadata }) => metadata.name)
  t.strictSame(names(one, 'PodDisruptionBudget'), ['authn-webhook'], 'a budget for one pod would block drains')
  const scaled = await render(...REDIS)
  t.equal(find(scaled, 'Deployment', 'authn-webhook-login')['spec'].replicas, undefined)
  t.match(find(scaled, 'HorizontalPodAutoscaler', 'authn-webhook-login')['spec'], { scaleTargetRef: { name: 'authn-webhook-login' }, minReplicas: 2 })
  t.match(find(scaled, 'PodDisruptionBudget', 'authn-webhook-login')['spec'], { maxUnavailable: 1, selector: { matchLabels: { [COMPONENT]: 'login' } } })
  const three = await render(...REDIS, '--set', 'login.autoscaling.enabled=false,login.replicaCount=3')
  t.equal(find(three, 'Deployment', 'authn-webhook-login')['spec'].replicas, 3)
  t.ok(find(three, 'PodDisruptionBudget', 'authn-webhook-login'))
})

test('how people reach it', async t => {
  const ingress = await render(...MEMORY)
  t.match(find(ingress, 'Ingress')['spec'], {
    ingressClassName: 'nginx',
    tls: [{ hosts: ['login.example.com'], secretName: 'authn-webhook-login-ingress' }],
    rules: [{ host: 'login.example.com', http: { paths: [{ path: '/', backend: { service: { name: 'authn-webhook-login', port: { number: 80 } } } }] } }]
  })
  t.match(find(ingress, 'Service', 'authn-webhook-login')['spec'], { type: 'ClusterIP', ports: [{ name: 'http', port: 80, targetPort: 'login' }], selector: { [COMPONENT]: 'login' } })
  const gateway = await render(...REDIS)
  t.match(find(gateway, 'HTTPRoute')['spec'], {
    parentRefs: [{ name: 'public', namespace: 'gateways' }],
    hostnames: ['example.com'],
    rules: [{ matches: [{ path: { type: 'PathPrefix', value: '/login' } }], backendRefs: [{ name: 'authn-webhook-login', port: 80 }] }]
  })
  const plain = [...MEMORY, '--set', 'login.ingress.enabled=false,login.service.type=LoadBalancer']
  const own = await render(...plain, '--set', 'login.tls.mode=existingSecret')
  t.match(find(own, 'Service', 'authn-webhook-login')['spec'], { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [{ name: 'https', port: 443 }] })
  t.match(configOf(own, 'authn-webhook-login').login.tls, { certFile: '/etc/authn-webhook/login-tls/tls.crt' })
  t.match(podOf(own, 'authn-webhook-login').spec.volumes.find(({ name }: any) => name === 'login-tls'), { secret: { secretName: 'authn-webhook-login-tls', defaultMode: 0o440 } })
  const issued = await render(...plain, '--set', 'login.tls.mode=certManager,login.tls.issuerRef.name=letsencrypt,login.tls.issuerRef.kind=ClusterIssuer')
  t.match(find(issued, 'Certificate', 'authn-webhook-login-tls')['spec'], { dnsNames: ['login.example.com'], secretName: 'authn-webhook-login-tls', issuerRef: { name: 'letsencrypt' } })
})

test('the network policy', async t => {
  const policy = async (...args: readonly string[]): Promise<any> => find(await render(...args), 'NetworkPolicy', 'authn-webhook-login')['spec']
  const memory = await policy(...MEMORY)
  t.match(memory, { podSelector: { matchLabels: { [COMPONENT]: 'login' } }, policyTypes: ['Ingress', 'Egress'] })
  t.strictSame(memory.ingress.flatMap(({ ports }: any) => ports.map(({ port }: any) => port)), [8444, 9443], 'not the one for reviews')
  t.strictSame(memory.ingress[0].from, [
    { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } } },
    { podSelector: { matchLabels: { 'app.kubernetes.io/instance': 'authn-webhook', [COMPONENT]: 'test' } } }
  ])
  t.notOk(memory.egress, 'a users file and memory need nobody')
  t.strictSame((await policy(...REDIS)).egress.flatMap(({ ports }: any) => ports.map(({ port }: any) => port)), [636, 53, 53, 443, 6379])
  const reviews = find(await render(...REDIS, '--set', 'kind=Deployment,service.clusterIP=10.96.0.14'), 'NetworkPolicy', 'authn-webhook')['spec']
  t.strictSame(reviews.egress, (await policy(...REDIS)).egress, 'reviews share the counts of wrong passwords')
  const anywhere = await policy(...MEMORY, '--set', 'login.store.kind=redis,login.store.url=redis://redis')
  t.strictSame(anywhere.policyTypes, ['Ingress'], 'wherever Redis is')
})

test('both are scraped, and told apart', async t => {
  const { selector, podTargetLabels } = find(await render(...REDIS), 'PodMonitor')['spec']
  t.strictSame(selector.matchExpressions, [{ key: COMPONENT, operator: 'In', values: ['webhook', 'login'] }])
  t.equal(selector.matchLabels[COMPONENT], undefined)
  t.strictSame(podTargetLabels, [COMPONENT], 'which an alert looks at')
  const service = find(await render(...MEMORY), 'Service', 'authn-webhook-login-metrics')
  t.equal(service.metadata.labels?.[COMPONENT], 'login')
})

const ANONYMOUS = { name: 'corp', kind: 'ldap', config: { preset: 'openldap', urls: ['ldaps://ldap.example.com'], userSearch: { baseDN: 'dc=example,dc=com' } } }

const REFUSALS: Record<string, readonly [args: readonly string[], sentence: RegExp]> = {
  'no issuer': [[...MEMORY, '--set', 'login.config.issuer='], /login\.enabled needs login\.config\.issuer/],
  'an issuer without TLS': [[...MEMORY, '--set', 'login.config.issuer=http://login.example.com'], /at '\/login\/config\/issuer'/],
  'no client': [[...MEMORY, '--set-json', 'login.config.clients=[]'], /login\.enabled needs login\.config\.clients/],
  'a secret in the config, which becomes a ConfigMap': [[...MEMORY, '--set', 'login.config.clients[0].id=a,login.config.clients[0].clientSecret=hunter2'], /at '\/login\/config\/clients\/0\/clientSecret'/],
  'what the chart sets itself': [[...MEMORY, '--set', 'login.config.host=0.0.0.0'], /additional properties 'host' not allowed/],
  'an unknown proxy': [['--values', ci('existing-secret'), '--set-json', 'login={"enabled":true,"config":{"issuer":"https://login.example.com","clients":[{"id":"production"}]}}'], /login\.tls\.mode is ingress, and needs login\.config\.trustedProxies/],
  'two pods with memory': [[...MEMORY, '--set', 'login.replicaCount=2'], /login\.replicaCount is 2, and login\.store\.kind is memory/],
  'autoscaling with memory': [[...MEMORY, '--set', 'login.autoscaling.enabled=true'], /login\.autoscaling needs login\.store\.kind: redis/],
  'Redis that is not used': [[...MEMORY, '--set', 'login.store.url=redis://redis'], /login\.store\.url is set, and login\.store\.kind is memory/],
  'Redis without an address': [[...MEMORY, '--set', 'login.store.kind=redis'], /needs login\.store\.url/],
  'a CA without TLS': [[...REDIS, '--set', 'login.store.url=redis://redis'], /login\.store\.caSecret needs a login\.store\.url that begins with rediss/],
  'a password in the values': [[...REDIS, '--set', 'login.store.password=hunter2'], /additional properties 'password' not allowed/],
  'Redis behind a closed policy': [[...REDIS, '--set-json', 'login.networkPolicy.storeEgress=[]'], /login\.networkPolicy\.storeEgress is empty: they would not reach Redis/],
  'a provider that checks no passwords': [[...REDIS, '--set', 'login.config.providers={ci}'], /names "ci", whose users can't sign in: kind jwt checks no passwords/],
  'a directory without a service account': [[...REDIS, '--set-json', `config.identityProviders=${JSON.stringify([ANONYMOUS])}`], /names "corp", whose users can't sign in: kind ldap without bindDN looks up no users/],
  'a provider that is not there': [[...REDIS, '--set', 'login.config.providers={crop}'], /names "crop", and config\.identityProviders has corp, ci/],
  'no provider that can': [[...MEMORY, '--set', 'config.identityProviders[0].name=x,config.identityProviders[0].kind=mock'], /needs an identity provider whose users can sign in/],
  'one port for two listeners': [[...MEMORY, '--set', 'login.config.port=9443'], /login\.config\.port is 9443: it must be a port of its own/],
  'two issuers': [[...MEMORY, '--set', 'config.sessions.issuer=https://other.example.com'], /config\.sessions\.issuer is set, and login\.enabled sets it/],
  'no key': [[...MEMORY, '--set-json', 'login.signingKeys=[]'], /at '\/login\/signingKeys': minItems: got 0, want 1/],
  'a key twice': [[...MEMORY, '--set-json', 'login.signingKeys=[{"name":"a","secretName":"x"},{"name":"a","secretName":"y"}]'], /login\.signingKeys has more than one entry with the name "a"/],
  'two secrets of one name': [[...REDIS, '--set-json', 'login.secretMounts=[{"name":"ldap","secretName":"x"}]'], /secretMounts and login\.secretMounts together have more than one entry with the name "ldap"/],
  'an Ingress that speaks plain HTTP to TLS': [[...MEMORY, '--set', 'login.tls.mode=existingSecret'], /login\.ingress\.enabled needs login\.tls\.mode: ingress/],
  'a route without a Gateway': [[...REDIS, '--set-json', 'login.httpRoute.parentRefs=[]'], /needs login\.httpRoute\.parentRefs/],
  'a certificate of nobody': [[...MEMORY, '--set', 'login.ingress.enabled=false,login.tls.mode=certManager'], /needs login\.tls\.issuerRef/],
  'a drain that is too long': [[...REDIS, '--set', 'terminationGracePeriodSeconds=25'], /terminationGracePeriodSeconds is 25, and must be more than 30/],
  'a key of its own without a cluster': [[...MEMORY, '--set-json', 'login.signingKeys=[{"name":"first"}]'], /has "first" without secretName.*authn-webhook keys add.*create secret tls authn-webhook-login-key-first/s],
  'revocations of its own without a cluster': [[...MEMORY, '--set', 'login.revocations.existingConfigMap='], /an empty list would admit revoked tokens.*create configmap authn-webhook-revocations/s]
}

test('refused, with a sentence', async t => {
  for (const [what, [args, sentence]] of Object.entries(REFUSALS)) {
    const { code, stderr } = await template(...args)
    t.not(code, 0, what)
    t.match(stderr, sentence, what)
  }
})
