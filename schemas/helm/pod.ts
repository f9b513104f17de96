/** Values of the pods. */
import { Type } from '@sinclair/typebox'
import { Closed, Enum } from '../primitives.js'
import { Count, Flag, Group, KubernetesList, KubernetesObject, ObjectName, StringMap, Text } from './kubernetes.js'

export const Image = Group('Image. Not in a registry yet: the README shows how to build and load it.', {
  registry: Text('', 'Registry host, such as registry.example.com:5000.'),
  repository: Type.String({ minLength: 1, default: 'authn-webhook', description: 'Repository in the registry.' }),
  tag: Text('', 'Tag; empty: the chart\'s appVersion.'),
  digest: Type.String({ pattern: '^(sha256:[0-9a-f]{64})?$', expected: 'sha256: and 64 hexadecimal digits', default: '', description: 'Digest; takes precedence over the tag.' }),
  pullPolicy: Enum(['Always', 'IfNotPresent', 'Never'], { default: 'IfNotPresent', description: 'Pull policy of the kubelet.' })
})

const SecretMount = Closed({
  name: Type.String({ pattern: '^[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?$', expected: 'a name of lower-case letters, digits and hyphens, at most 50', description: 'Name of the directory: /etc/authn-webhook/secrets/NAME.' }),
  secretName: Type.String({ minLength: 1, description: 'Name of the Secret.' }),
  items: Type.Optional(Type.Array(Closed({ key: Type.String(), path: Type.String() }), { description: 'Selected keys of the Secret, and their file names.' }))
})

export function SecretMounts (description: string) {
  return Type.Array(SecretMount, { default: [], description })
}

const SECONDS = { maximum: 3600 } as const

function probe (description: string, value: { periodSeconds: number, timeoutSeconds: number, failureThreshold: number }, more: Record<string, ReturnType<typeof Count>> = {}) {
  return Group(description, {
    periodSeconds: Count(value.periodSeconds, SECONDS, 'Seconds between probes.'),
    timeoutSeconds: Count(value.timeoutSeconds, SECONDS, 'Time limit for a response, in seconds.'),
    failureThreshold: Count(value.failureThreshold, {}, 'Consecutive failures after which the probe has failed.'),
    ...more
  })
}

export const probes = {
  startupProbe: probe('Delays the other probes until `/readyz` succeeds.', { periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 60 }),
  readinessProbe: probe('Probe of `/readyz`: the pod can serve reviews.', { periodSeconds: 5, timeoutSeconds: 2, failureThreshold: 2 }),
  livenessProbe: probe('Probe of `/livez`: the event loop runs. A process that hangs is killed after at most `failureThreshold` × `periodSeconds` + `timeoutSeconds` + `terminationGracePeriodSeconds` (25 s), if `timeoutSeconds` is not longer than `periodSeconds`.', { periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 3 }, {
    terminationGracePeriodSeconds: Count(5, SECONDS, 'Seconds between SIGTERM, which a process that hangs does not handle, and SIGKILL. Requires Kubernetes 1.25; older versions wait as long as for a drain.')
  })
}

export const serviceAccount = Group('ServiceAccount, whose token is never mounted.', {
  create: Flag(true, 'Create the ServiceAccount.'),
  name: ObjectName('Name of the ServiceAccount; empty: that of the Deployment or DaemonSet.'),
  annotations: StringMap('Annotations of the ServiceAccount.')
})

export function podDisruptionBudget (description: string) {
  return Group(description, {
    enabled: Flag(true, 'Create the PodDisruptionBudget.'),
    maxUnavailable: Type.Unsafe<number | string>({ type: ['integer', 'string'], minimum: 0, maximum: 1000, pattern: '^[0-9]{1,3}%$', default: 1, description: 'Pods, as a number or percentage, that a drain of nodes can evict at once. 0: every drain blocks.' })
  })
}

export function autoscaling (description: string) {
  return Group(description, {
    enabled: Flag(false, 'Create the HorizontalPodAutoscaler.'),
    minReplicas: Count(2, {}, 'Minimum number of pods.'),
    maxReplicas: Count(6, {}, 'Maximum number of pods.'),
    targetCPUUtilizationPercentage: Count(80, {}, 'Target CPU utilization, as a percentage of the request.')
  })
}

/** Over the nodes, as evenly as possible. */
export const SPREAD = [{ maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway', matchLabelKeys: ['pod-template-hash'] }]

export const pods = {
  serviceAccount,
  podAnnotations: StringMap('Annotations of pods.'),
  podLabels: StringMap('Labels of pods.'),
  podSecurityContext: KubernetesObject('Security context of pods; satisfies the Pod Security Standard `restricted`.', {
    runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532, seccompProfile: { type: 'RuntimeDefault' }
  }),
  securityContext: KubernetesObject('Security context of the container.', {
    allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] }
  }),
  resources: KubernetesObject('Requests and limits. The heap of Node.js is sized to half of the memory limit.', {
    requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '256Mi' }
  }),
  ...probes,
  terminationGracePeriodSeconds: Count(40, { maximum: 86_400 }, 'Seconds for a drain, more than `config.server.shutdownDelay` + `config.server.timeout` + 12 s.'),
  priorityClassName: Text('system-cluster-critical', 'Priority class; protects the webhook from eviction.'),
  nodeSelector: StringMap('Labels of nodes to run on.', { 'kubernetes.io/os': 'linux' }),
  tolerations: KubernetesList('Tolerations. A Deployment adds those for the taints of control-plane nodes, and 30 s (instead of 300 s) for nodes that are not ready or unreachable, unless one here has the same key. Empty in a DaemonSet: all taints.'),
  affinity: KubernetesObject('Affinity. Empty in a Deployment: pods prefer different zones. Empty in a DaemonSet: control-plane nodes.'),
  topologySpreadConstraints: KubernetesList('Topology spread constraints of a Deployment. Without `labelSelector`, one applies to the pods of this release; `matchLabelKeys` is omitted before Kubernetes 1.27. The scheduler ignores nodes without the label of any constraint: use only labels that all nodes have.', SPREAD),
  dnsPolicy: Enum(['', 'Default', 'ClusterFirst', 'ClusterFirstWithHostNet', 'None'], { default: '', description: 'DNS policy of pods. Empty: ClusterFirst, or ClusterFirstWithHostNet in a DaemonSet, so that providers can use cluster DNS in both.' }),
  dnsConfig: KubernetesObject('DNS config of pods.'),
  hostAliases: KubernetesList('Additional lines of /etc/hosts.'),
  extraEnv: KubernetesList('Additional environment variables of the container.'),
  extraVolumes: KubernetesList('Additional volumes of pods.'),
  extraVolumeMounts: KubernetesList('Additional volume mounts of the container.')
}
