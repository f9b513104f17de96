/** What the chart renders in each of its modes, without a cluster and with one; and what it refuses, in words. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test, type Test } from 'tap'
import { load } from 'js-yaml'
import { loadConfig } from '../../src/config/load.js'
import { findDefinition } from '../../src/config/registry.js'
import { startCluster, tool } from '../e2e/cluster.js'
import { findErrors, findUnknownFields, parseManifests, type Manifest } from './manifests.js'
import { eventually, type } from './podman.js'
import { configOf, find, podOf, podsOf, render, template } from './render.js'
import { CHART, ci } from './release.js'

const MODES = readdirSync(join(CHART, 'ci')).map(file => basename(file, '-values.yaml'))
/** Those that look into the cluster. */
const LIVE = ['default', 'daemonset']
const OFFLINE = MODES.filter(mode => !LIVE.includes(mode))

for (const mode of OFFLINE) {
  test(`${mode}: valid, and sound`, async t => {
    const manifests = await render('--values', ci(mode))
    t.strictSame(await findErrors(manifests), [])
    checkPod(t, manifests)
    await checkConfig(t, manifests)
  })
}

test('none of them has a field that an API server would drop', async t => {
  const manifests = await Promise.all(OFFLINE.map(async mode => await render('--values', ci(mode))))
  t.equal(await findUnknownFields(t.testdir({}), manifests.flat()), '')
})

test('lint takes them all', async t => {
  for (const mode of MODES) t.equal((await type(tool('HELM'), ['lint', '--strict', CHART, '--values', ci(mode), '--namespace', 'kube-system'])).code, 0, mode)
})

test('with a cluster to look into', async t => {
  const cluster = await startCluster(t, {})
  await eventually(async () => (await cluster.admin('GET', '/api/v1/namespaces/default/services/kubernetes')).code === 200 || undefined)
  const all: Manifest[] = []
  for (const mode of LIVE) {
    await t.test(`${mode}: valid, and sound`, async t => {
      const { code, stdout, stderr } = await cluster.helm('template', 'authn-webhook', CHART, '--namespace', 'kube-system', '--dry-run=server', '--values', ci(mode))
      t.equal(code, 0, stderr)
      const manifests = parseManifests(stdout)
      all.push(...manifests)
      t.strictSame(await findErrors(manifests), [])
      checkPod(t, manifests)
      await checkConfig(t, manifests)
      const ca = find(manifests, 'Secret', 'authn-webhook-ca')
      t.equal(ca.metadata.annotations?.['helm.sh/resource-policy'], 'keep')
      t.notOk(JSON.stringify(podOf(manifests)).includes('authn-webhook-ca'), 'no pod mounts the authority')
      t.notMatch(find(manifests, 'ConfigMap', 'authn-webhook-webhook-config')['data']['webhook.yaml'], /client-key-data/, 'a ConfigMap holds no key')
    })
  }
  t.equal(await findUnknownFields(t.testdir({}), all), '', 'no field is unknown')
})

test('the type check finds what an API server would drop', async t => {
  const [service] = (await render('--values', ci('existing-secret'))).filter(({ kind }) => kind === 'Service')
  t.match(await findUnknownFields(t.testdir({}), [{ ...service!, spec: { ...service!['spec'], clusterIPP: '10.96.0.14' } }]), /clusterIPP/)
})

test('reach', async t => {
  const deployment = await render('--values', ci('existing-secret'))
  const webhook = (manifests: readonly Manifest[]): any => load(find(manifests, 'ConfigMap', 'authn-webhook-webhook-config')['data']['webhook.yaml'])
  t.match(webhook(deployment).clusters[0].cluster, { server: 'https://10.96.0.14/authenticate', 'tls-server-name': 'authn-webhook.kube-system.svc' })
  t.match(find(deployment, 'Service', 'authn-webhook')['spec'], { clusterIP: '10.96.0.14', ports: [{ port: 443 }] })
  t.equal(podOf(deployment).spec.dnsPolicy, 'ClusterFirst')
  t.strictSame(podOf(deployment).spec.containers[0].livenessProbe.httpGet, { path: '/livez', port: 9443 }, 'the kubelet asks the pod')

  const daemon = await render('--values', ci('existing-secret'), '--set', 'kind=DaemonSet')
  t.match(webhook(daemon).clusters[0].cluster, { server: 'https://127.0.0.1:8443/authenticate', 'tls-server-name': 'authn-webhook.kube-system.svc' })
  t.match(podOf(daemon).spec, { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet', tolerations: [{ operator: 'Exists' }] })
  t.match(podOf(daemon).spec.containers[0].livenessProbe.httpGet, { host: '127.0.0.1', port: 9443 }, 'the kubelet asks where it listens')
  t.notOk(daemon.some(({ metadata }) => metadata.name === 'authn-webhook-metrics'), 'and no Service leads there')
  t.match(configOf(daemon), { server: { host: '127.0.0.1', shutdownDelay: '0s' }, admin: { host: '127.0.0.1' } })
  const scraped = await render('--values', ci('existing-secret'), '--set', 'kind=DaemonSet,metrics.podMonitor.enabled=true')
  t.equal(configOf(scraped).admin.host, undefined, 'Prometheus comes from elsewhere; the service falls back where there is no IPv6')
  t.ok(find(scraped, 'Service', 'authn-webhook-metrics'))
})

test('certificates by cert-manager', async t => {
  const own = await render('--values', ci('cert-manager'))
  const spec = (manifests: readonly Manifest[], kind: string, name: string): any => find(manifests, kind, `authn-webhook-${name}`)['spec']
  t.strictSame(spec(own, 'Issuer', 'selfsigned'), { selfSigned: {} })
  t.match(spec(own, 'Certificate', 'ca'), { isCA: true, secretName: 'authn-webhook-ca', issuerRef: { name: 'authn-webhook-selfsigned' }, privateKey: { algorithm: 'ECDSA', rotationPolicy: 'Never' } })
  t.strictSame(spec(own, 'Issuer', 'ca'), { ca: { secretName: 'authn-webhook-ca' } })
  t.match(spec(own, 'Certificate', 'tls'), { secretName: 'authn-webhook-tls', dnsNames: ['authn-webhook.kube-system.svc'], usages: ['digital signature', 'server auth'], issuerRef: { kind: 'Issuer', name: 'authn-webhook-ca' } })
  t.match(spec(own, 'Certificate', 'apiserver'), { commonName: 'kube-apiserver', usages: ['digital signature', 'client auth'], issuerRef: { kind: 'Issuer', name: 'authn-webhook-ca' } })
  t.notOk(JSON.stringify(podOf(own)).includes('authn-webhook-ca'), 'no pod mounts the authority')

  const corporate = await render('--values', ci('cert-manager-issuer'))
  t.strictSame(corporate.filter(({ apiVersion }) => apiVersion === 'cert-manager.io/v1').map(({ kind, metadata, spec }) => [kind, metadata.name, spec.issuerRef.name]), [['Certificate', 'authn-webhook-tls', 'corporate']])
})

test('what people set in other charts', async t => {
  const manifests = await render('--values', ci('everything'))
  t.equal(podOf(manifests).spec.containers[0].image, `registry.example.com:5000/authn-webhook@sha256:${'0'.repeat(64)}`)
  t.equal(podOf(await render('--values', ci('existing-secret'), '--set', 'image.repository=team/authn,image.tag=next')).spec.containers[0].image, 'team/authn:next')
  for (const { kind, metadata } of manifests.filter(({ metadata }) => metadata.name !== 'authn-modules')) {
    t.equal(metadata.labels?.['example.com/team'], 'platform', `${kind} ${metadata.name}`)
    t.match(metadata.name, /^(corporate-authn|authn$)/, 'the override, and the ServiceAccount\'s own name')
  }
  const { metadata, spec } = podOf(manifests)
  t.match(metadata, { labels: { 'app.kubernetes.io/name': 'webhook', 'example.com/e': 'f' }, annotations: { 'example.com/c': 'd' } })
  t.match(spec, { serviceAccountName: 'authn', dnsPolicy: 'None', terminationGracePeriodSeconds: 60, affinity: { podAntiAffinity: {} }, tolerations: [{ key: 'dedicated' }] })
  t.ok(spec.containers[0].env.some(({ name }: any) => name === 'FINGERPRINT_KEY'))
  t.ok(spec.containers[0].volumeMounts.some(({ mountPath }: any) => mountPath === '/etc/authn-webhook/modules'))
  t.match(spec.volumes.find(({ name }: any) => name === 'secret-fingerprints'), { secret: { secretName: 'authn-fingerprints', items: [{ key: 'key' }] } })
  t.match(find(manifests, 'ConfigMap', 'authn-modules'), { metadata: { namespace: 'kube-system' } }, 'further objects are templates')
})

test('the README shows what is tested', async t => {
  const examples = [...readFileSync(join(CHART, 'README.md'), 'utf8').matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, example]) => example!)
  const tested = MODES.map(mode => readFileSync(ci(mode), 'utf8'))
  t.equal(examples.length, 3)
  for (const example of examples) t.ok(tested.some(values => values.includes(example)), example)
})

test('the network policy', async t => {
  const [plain, everything] = [await render('--values', ci('existing-secret')), await render('--values', ci('everything'))].map(manifests => find(manifests, 'NetworkPolicy')['spec'])
  t.strictSame(plain.policyTypes, ['Ingress', 'Egress'])
  t.notOk(plain.egress, 'a users file needs nobody')
  t.strictSame(everything.ingress[0].from.slice(0, 2), [{ ipBlock: { cidr: '192.0.2.0/28' } }, { ipBlock: { cidr: '2001:db8::/64' } }], 'API servers come from addresses of nodes')
  t.match(everything.egress, [{ ports: [{ port: 636 }] }])
  const concierge = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'pinniped-concierge' } } }
  const shared = find(await render('--values', ci('existing-secret'), '--set-json', `networkPolicy.reviewsFrom=${JSON.stringify([concierge])}`), 'NetworkPolicy')['spec']
  t.match(shared.ingress[0].from, [concierge, { podSelector: { matchLabels: { 'app.kubernetes.io/component': 'test' } } }], 'these callers, and helm test')
})

const REFUSALS: Record<string, readonly [args: readonly string[], sentence: RegExp]> = {
  'a misspelt value': [['--set', 'replicaCuont=3'], /additional properties 'replicaCuont' not allowed/],
  'a misspelt value of the config': [['--set', 'config.server.prot=1'], /at '\/config\/server': additional properties 'prot' not allowed/],
  'a number in words': [['--set-string', 'replicaCount=two'], /at '\/replicaCount': got string, want integer/],
  'an unknown kind': [['--set', 'kind=StatefulSet'], /at '\/kind': value must be one of 'Deployment', 'DaemonSet'/],
  'a provider of a kind that is not there': [['--set', 'config.identityProviders[0].name=x,config.identityProviders[0].kind=ladp'], /value must be one of 'static'/],
  'no provider': [['--set-json', 'config.identityProviders=[]'], /minItems: got 0, want 1/],
  'a secret in the config, which becomes a ConfigMap': [['--set', 'config.log.fingerprintKey=hunter2'], /at '\/config\/log\/fingerprintKey'/],
  'a password in the config': [['--values', ci('ldap'), '--set', 'config.identityProviders[1].config.bindPassword=hunter2'], /at '\/config\/identityProviders\/1\/config\/bindPassword'/],
  'an address that is none': [['--set', 'service.clusterIP=ten'], /at '\/service\/clusterIP': 'ten' does not match pattern/],
  'a grace period that is too short': [['--set', 'terminationGracePeriodSeconds=30'], /terminationGracePeriodSeconds is 30, and must be more than 30: config\.server\.shutdownDelay \(10s\)/],
  'a long drain': [['--set', 'config.server.shutdownDelay=1m30s'], /must be more than 110/],
  'one port for both listeners': [['--set', 'config.admin.port=8443'], /are both 8443/],
  'a listener that no API server reaches': [['--set', 'config.server.host=127.0.0.1'], /config\.server\.host is 127\.0\.0\.1, which neither API servers nor the kubelet's probes can reach/],
  'a listener that no probe reaches': [['--set', 'config.admin.host=::1'], /config\.admin\.host is ::1, which neither API servers nor the kubelet's probes can reach/],
  'a listener that Prometheus cannot scrape': [['--set', 'kind=DaemonSet,config.admin.host=127.0.0.1,metrics.podMonitor.enabled=true'], /config\.admin\.host is 127\.0\.0\.1, where Prometheus can't scrape metrics/],
  'two monitors': [['--set', 'metrics.serviceMonitor.enabled=true,metrics.podMonitor.enabled=true'], /counted twice/],
  'a monitor without its Service': [['--set', 'metrics.serviceMonitor.enabled=true,metrics.service.enabled=false'], /needs metrics\.service\.enabled/],
  'two secrets of one name': [['--set-json', 'secretMounts=[{"name":"a","secretName":"x"},{"name":"a","secretName":"y"}]'], /more than one entry with the name "a"/],
  'a duration of nothing': [['--set', 'tls.certManager.duration=0h'], /at '\/tls\/certManager\/duration': '0h' does not match pattern/],
  'a budget of pods in words': [['--set', 'podDisruptionBudget.maxUnavailable=few'], /at '\/podDisruptionBudget\/maxUnavailable'/],
  'a certificate that outlives its authority': [['--set', 'tls.mode=helm,tls.helm.days=4000'], /tls\.helm\.days \(4000\) is more than tls\.helm\.caDays \(3650\)/],
  'a certificate that is renewed at once': [['--set', 'tls.mode=helm,tls.helm.renewBeforeDays=730'], /renewBeforeDays \(730\) must be less than tls\.helm\.days \(730\)/],
  'the same of cert-manager, longer than its CA': [['--set', 'tls.mode=certManager,tls.certManager.caDuration=1000h'], /duration \(2160h\) is longer than tls\.certManager\.caDuration \(1000h\)/],
  '… and renewed without end': [['--set', 'tls.mode=certManager,tls.certManager.renewBefore=3000h'], /renewBefore \(3000h\) must be less than tls\.certManager\.duration \(2160h\)/],
  'a scrape that outlasts its interval': [['--set', 'metrics.podMonitor.interval=5s'], /metrics\.podMonitor\.scrapeTimeout \(10s\) is longer than metrics\.podMonitor\.interval \(5s\)/],
  'an autoscaled DaemonSet': [['--set', 'kind=DaemonSet,autoscaling.enabled=true'], /autoscaling is for kind: Deployment/]
}

test('refused, with a sentence', async t => {
  for (const [what, [args, sentence]] of Object.entries(REFUSALS)) {
    const { code, stderr } = await template('--values', ci('existing-secret'), ...args)
    t.not(code, 0, what)
    t.match(stderr, sentence, what)
  }
})

test('without a cluster it says what to do, and mints nothing', async t => {
  const cases = {
    'certificates by Helm': [['--set', 'service.clusterIP=10.96.0.14,users.existingSecret=people'], /tls\.mode is helm.*certManager.*existingSecret/s],
    'no address': [['--set', 'tls.mode=existingSecret,users.existingSecret=people'], /kubectl get service kubernetes --namespace default/],
    'users of its own': [['--set', 'tls.mode=existingSecret,service.clusterIP=10.96.0.14'], /users\.existingSecret is empty.*create secret generic authn-webhook-users/s]
  } as const
  for (const [what, [args, sentence]] of Object.entries(cases)) {
    const { code, stderr } = await template(...args)
    t.not(code, 0, what)
    t.match(stderr, sentence, what)
  }
})

/** Pod Security "restricted", except for the host's network. */
function checkPod (t: Test, manifests: readonly Manifest[]): void {
  const pods = [...podsOf(manifests), ...manifests.filter(({ kind }) => kind === 'Pod')]
  for (const { spec } of pods) {
    t.match(spec, { automountServiceAccountToken: false, securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } } })
    for (const container of spec.containers) {
      t.strictSame(container.securityContext, { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } })
      t.ok(container.resources.limits.memory, 'the heap follows a limit')
    }
    const restricted = ['configMap', 'projected', 'secret']
    t.strictSame(spec.volumes.filter((volume: object) => !Object.keys(volume).every(key => key === 'name' || restricted.includes(key))), [])
    for (const { secret } of spec.volumes.filter(({ secret }: any) => secret !== undefined)) t.equal(secret.defaultMode, 0o440, 'secrets are for the group alone')
  }
}

/** The service takes its config; whose module lies where is not this test's question. */
async function checkConfig (t: Test, manifests: readonly Manifest[]): Promise<void> {
  for (const { data } of manifests.filter(({ kind, data }) => kind === 'ConfigMap' && data['config.yaml'] !== undefined)) {
    const file = join(t.testdir({
      'config.yaml': data['config.yaml'].replaceAll('/etc/authn-webhook/', ''),
      secrets: { ldap: { password: 'of the service account' }, headlamp: { secret: 'of the client' } },
      store: { password: 'of Redis' }
    }), 'config.yaml')
    await t.resolves(loadConfig({
      file,
      findDefinition: async (entry, ctx) => entry.kind === 'module' ? { contract: 1, kind: 'module', schema: {}, open: () => ({ authenticateToken: () => null }) } : await findDefinition(entry, ctx),
      env: { FINGERPRINT_KEY: 'a key of a test' }
    }), readFileSync(file, 'utf8'))
  }
}
