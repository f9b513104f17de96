/** Where pods run, and how soon one that is lost is replaced: what the chart asks of the scheduler, the controllers and the kubelet. */
import { readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { test } from 'tap'
import { findUnknownFields } from './manifests.js'
import { find, podOf, render } from './render.js'
import { ci } from './release.js'

const PLAIN = ['--values', ci('existing-secret')]
const SELECTOR = { matchLabels: { 'app.kubernetes.io/name': 'authn-webhook', 'app.kubernetes.io/instance': 'authn-webhook', 'app.kubernetes.io/component': 'webhook' } }
const WITHOUT_NODE = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map(key => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 }))
const CONTROL_PLANE = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'].map(key => ({ key, operator: 'Exists', effect: 'NoSchedule' }))

/** The pod's spec as a cluster of that version gets it. */
async function specFor (version: string, ...args: readonly string[]): Promise<any> {
  return podOf(await render(...PLAIN, '--kube-version', version, ...args)).spec
}

test('a rollout and a drain leave somebody who answers', async t => {
  const manifests = await render(...PLAIN)
  t.match(find(manifests, 'Deployment')['spec'], { replicas: 2, strategy: { rollingUpdate: { maxUnavailable: 0 } } })
  t.match(find(manifests, 'PodDisruptionBudget'), { apiVersion: 'policy/v1', spec: { maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' } })
  t.equal(podOf(manifests).spec.priorityClassName, 'system-cluster-critical')
  t.equal((load(find(manifests, 'ConfigMap', 'authn-webhook')['data']['config.yaml']) as any).server.shutdownDelay, '10s')
  const old = await render(...PLAIN, '--kube-version', '1.25.0')
  t.notOk(find(old, 'PodDisruptionBudget')['spec'].unhealthyPodEvictionPolicy, 'where the cluster does not know it yet')
  const scaled = await render(...PLAIN, '--set', 'autoscaling.enabled=true')
  t.notOk('replicas' in find(scaled, 'Deployment')['spec'], 'the autoscaler counts')
})

test('pods of one revision go to different nodes, whatever labels the nodes have', async t => {
  const spread = { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway', labelSelector: SELECTOR }
  const spec = await specFor('1.36.0')
  // a second constraint would have the scheduler overlook nodes without that label
  t.strictSame(spec.topologySpreadConstraints, [{ ...spread, matchLabelKeys: ['pod-template-hash'] }], 'by the hostname, which every node has, and without the pods that a rollout replaces')
  t.ok((await specFor('1.27.0')).topologySpreadConstraints[0].matchLabelKeys, 'from the version in which it is on by default')
  t.ok((await specFor('1.33.1+k3s1')).topologySpreadConstraints[0].matchLabelKeys, 'also with a suffix')
})

test('before matchLabelKeys, pods of one revision recognize each other by a label of the chart', async t => {
  const LABEL = 'authn-webhook/revision'
  const podFor = async (...args: readonly string[]): Promise<any> => podOf(await render(...PLAIN, '--kube-version', '1.26.0', ...args))
  const { metadata: { labels: { [LABEL]: revision } }, spec } = await podFor()
  const [{ labelSelector, matchLabelKeys }] = spec.topologySpreadConstraints
  const [{ podAffinityTerm }] = spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution
  for (const { matchLabels } of [labelSelector, podAffinityTerm.labelSelector]) t.strictSame(matchLabels, { ...SELECTOR.matchLabels, [LABEL]: revision })
  t.equal(matchLabelKeys, undefined)
  t.equal((await podFor('--set', 'replicaCount=3')).metadata.labels[LABEL], revision, 'an upgrade that replaces no pods keeps it')
  for (const change of ['config.log.level=debug', 'image.tag=other', 'podAnnotations.a=b', 'podLabels.a=b', 'nodeSelector.a=b', 'priorityClassName=x']) {
    t.not((await podFor('--set', change)).metadata.labels[LABEL], revision, change)
  }
  t.notOk(LABEL in podOf(await render(...PLAIN, '--kube-version', '1.27.0')).metadata.labels, 'later clusters have no need of it')
  t.notOk(LABEL in (await podFor('--set', 'kind=DaemonSet')).metadata.labels, 'nor has a DaemonSet')
})

test('and to different zones, where nodes have them', async t => {
  const term = { topologyKey: 'topology.kubernetes.io/zone', labelSelector: SELECTOR }
  const affinity = (podAffinityTerm: object): object => ({ podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm }] } })
  t.strictSame((await specFor('1.36.0')).affinity, affinity({ ...term, matchLabelKeys: ['pod-template-hash'] }))
  t.strictSame((await specFor('1.30.0')).affinity, affinity(term))
  t.strictSame((await specFor('1.36.0', '--set-json', 'affinity={"nodeAffinity":{}}')).affinity, { nodeAffinity: {} }, 'unless another affinity is set')
})

test('the pods of a node that is gone are replaced after 30 s, not after 5 minutes', async t => {
  const { tolerations } = await specFor('1.36.0')
  t.strictSame(tolerations.filter(({ effect }: any) => effect === 'NoExecute'), WITHOUT_NODE)
})

test('a cluster of control-plane nodes alone runs them', async t => {
  const manifests = await render(...PLAIN)
  for (const { spec } of [podOf(manifests), find(manifests, 'Pod', 'authn-webhook-doctor')]) t.strictSame(spec.tolerations, [...CONTROL_PLANE, ...WITHOUT_NODE])
})

test('a toleration of one\'s own is added to these, or is in the place of that with its key', async t => {
  const dedicated = { key: 'dedicated', operator: 'Equal', value: 'authn', effect: 'NoSchedule' }
  const patient = { ...WITHOUT_NODE[1]!, tolerationSeconds: 120 }
  const tolerations = async (...list: object[]): Promise<object[]> => (await specFor('1.36.0', '--set-json', `tolerations=${JSON.stringify(list)}`)).tolerations
  t.strictSame(await tolerations(dedicated), [dedicated, ...CONTROL_PLANE, ...WITHOUT_NODE])
  t.strictSame(await tolerations(patient), [patient, ...CONTROL_PLANE, WITHOUT_NODE[0]])
  t.strictSame(await tolerations({ operator: 'Exists', effect: 'NoSchedule' }), [{ operator: 'Exists', effect: 'NoSchedule' }, ...CONTROL_PLANE, ...WITHOUT_NODE], 'one without a key names none of them')
  const daemon = await specFor('1.36.0', '--set', 'kind=DaemonSet')
  t.strictSame(daemon.tolerations, [{ operator: 'Exists' }], 'a DaemonSet stays where it is')
})

test('a process that hangs is killed within half a minute', async t => {
  const { containers: [{ livenessProbe }], terminationGracePeriodSeconds } = await specFor('1.36.0')
  const seconds = secondsToKill(livenessProbe)
  t.ok(seconds <= 30, `${seconds} s`)
  t.ok(livenessProbe.terminationGracePeriodSeconds < terminationGracePeriodSeconds, 'it does not hear SIGTERM, so it is not given the time of a drain')
  t.match(readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8'), `at most ${seconds} s`, 'the documentation says how long')
  const old = await specFor('1.24.0')
  t.notOk(old.containers[0].livenessProbe.terminationGracePeriodSeconds, 'where the cluster does not know it yet')
  for (const probe of ['readinessProbe', 'startupProbe']) t.notOk('terminationGracePeriodSeconds' in (await specFor('1.36.0')).containers[0][probe], probe)
})

test('none of these fields is unknown', async t => {
  t.equal(await findUnknownFields(t.testdir({}), await render(...PLAIN, '--kube-version', '1.36.0')), '')
})

/** From the moment it hangs: the probe that has just succeeded, those that fail, and the time that SIGTERM is given. */
function secondsToKill ({ periodSeconds, timeoutSeconds, failureThreshold, terminationGracePeriodSeconds }: Record<string, number>): number {
  return periodSeconds! + (failureThreshold! - 1) * Math.max(periodSeconds!, timeoutSeconds!) + timeoutSeconds! + terminationGracePeriodSeconds!
}
