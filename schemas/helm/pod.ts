/** Values of the pods: who they are, where they run, how they are probed. */
import { Type } from '@sinclair/typebox'
import { Closed, Enum } from '../primitives.js'
import { Count, Flag, Group, KubernetesList, KubernetesObject, ObjectName, StringMap, Text } from './kubernetes.js'

export const Image = Group('The image. No registry carries it yet: the README says how to build and load it.', {
  registry: Text('', 'Host of a registry, such as registry.example.com:5000.'),
  repository: Type.String({ minLength: 1, default: 'authn-webhook', description: 'Repository in it.' }),
  tag: Text('', 'Tag; empty: the chart\'s appVersion.'),
  digest: Type.String({ pattern: '^(sha256:[0-9a-f]{64})?$', expected: 'sha256: and 64 hexadecimal digits', default: '', description: 'Digest; wins over the tag.' }),
  pullPolicy: Enum(['Always', 'IfNotPresent', 'Never'], { default: 'IfNotPresent', description: 'When the kubelet pulls.' })
})

export const SecretMount = Closed({
  name: Type.String({ pattern: '^[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?$', expected: 'a name of lower-case letters, digits and hyphens, at most 50', description: 'Its directory: /etc/authn-webhook/secrets/NAME.' }),
  secretName: Type.String({ minLength: 1, description: 'The Secret.' }),
  items: Type.Optional(Type.Array(Closed({ key: Type.String(), path: Type.String() }), { description: 'Some of its keys, and the files that they become.' }))
})

const SECONDS = { maximum: 3600 } as const

function probe (description: string, value: { periodSeconds: number, timeoutSeconds: number, failureThreshold: number }, more: Record<string, ReturnType<typeof Count>> = {}) {
  return Group(description, {
    periodSeconds: Count(value.periodSeconds, SECONDS, 'Seconds between two probes.'),
    timeoutSeconds: Count(value.timeoutSeconds, SECONDS, 'Seconds for an answer.'),
    failureThreshold: Count(value.failureThreshold, {}, 'Failures in a row after which the probe counts as failed.'),
    ...more
  })
}

export const probes = {
  startupProbe: probe('Until the first success of `/readyz`, the other probes wait.', { periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 60 }),
  readinessProbe: probe('`/readyz`: takes reviews.', { periodSeconds: 5, timeoutSeconds: 2, failureThreshold: 2 }),
  livenessProbe: probe('`/livez`: the event loop runs. A process that hangs is killed after at most `failureThreshold` × `periodSeconds` + `timeoutSeconds` + `terminationGracePeriodSeconds` (25 s), if `timeoutSeconds` is not longer than `periodSeconds`.', { periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 3 }, {
    terminationGracePeriodSeconds: Count(5, SECONDS, 'Seconds between SIGTERM, which a process that hangs does not handle, and SIGKILL. Kubernetes 1.25 and newer; older ones wait as long as for a drain.')
  })
}

export const pods = {
  serviceAccount: Group('Its token is never mounted.', {
    create: Flag(true, 'Make one.'),
    name: ObjectName('Its name; empty: the chart\'s.'),
    annotations: StringMap('Annotations of it.')
  }),
  podAnnotations: StringMap('Annotations of pods.'),
  podLabels: StringMap('Labels of pods.'),
  podSecurityContext: KubernetesObject('Of pods; satisfies Pod Security "restricted".', {
    runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532, seccompProfile: { type: 'RuntimeDefault' }
  }),
  securityContext: KubernetesObject('Of the container.', {
    allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] }
  }),
  resources: KubernetesObject('Requests and limits. Node\'s heap takes half of the memory limit, by itself.', {
    requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '256Mi' }
  }),
  ...probes,
  terminationGracePeriodSeconds: Count(40, { maximum: 86_400 }, 'Must be longer than `config.server.shutdownDelay`, `config.server.timeout` and 12 s together: what a drain may take.'),
  priorityClassName: Text('system-cluster-critical', 'Priority class; protects the webhook from eviction.'),
  nodeSelector: StringMap('Labels of nodes that will do.', { 'kubernetes.io/os': 'linux' }),
  tolerations: KubernetesList('Tolerations. A Deployment adds those for the taints of control-plane nodes, and 30 s on a node that is not ready or unreachable (Kubernetes gives 300 s), unless one here has the same key. Empty in a DaemonSet: all taints.'),
  affinity: KubernetesObject('Affinity. Empty in a Deployment: the pods prefer different zones, if nodes have zones. Empty in a DaemonSet: control-plane nodes.'),
  topologySpreadConstraints: KubernetesList('How a Deployment spreads. A constraint without `labelSelector` is for the pods of this release; `matchLabelKeys` is left out for Kubernetes older than 1.27. The scheduler ignores nodes that lack the label of any constraint here: name no label that some nodes lack.', [
    { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway', matchLabelKeys: ['pod-template-hash'] }
  ]),
  dnsPolicy: Enum(['', 'Default', 'ClusterFirst', 'ClusterFirstWithHostNet', 'None'], { default: '', description: 'Empty: ClusterFirst, and ClusterFirstWithHostNet in a DaemonSet, so that providers may have names of the cluster in both.' }),
  dnsConfig: KubernetesObject('Of pods, beside the policy.'),
  hostAliases: KubernetesList('Further lines of /etc/hosts.'),
  extraEnv: KubernetesList('Environment variables of the container.'),
  extraVolumes: KubernetesList('Volumes of pods.'),
  extraVolumeMounts: KubernetesList('Where the container has them.')
}
