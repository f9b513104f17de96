/**
 * The values of charts/authn-webhook. `npm run schemas` makes the chart's
 * values.schema.json, its values.yaml and the table of its README from these.
 */
import { Type, type Static } from '@sinclair/typebox'
import { Certificates } from './helm/certificates.js'
import { Count, Flag, Group, KubernetesList, ObjectName, StringMap } from './helm/kubernetes.js'
import { Metrics } from './helm/monitoring.js'
import { Image, pods, SecretMount } from './helm/pod.js'
import { ServiceConfig } from './helm/service-config.js'
import { Closed, Enum } from './primitives.js'

export const HelmValues = Closed({
  global: Type.Optional(Type.Unsafe<object>({ type: 'object', description: 'Of a parent chart; not read.' })),
  enabled: Type.Optional(Type.Boolean({ description: 'For the `condition` of a parent chart; not read.' })),
  nameOverride: ObjectName('In place of the chart\'s name in names.'),
  fullnameOverride: ObjectName('In place of the release\'s and the chart\'s name in names.'),
  commonLabels: StringMap('Labels of everything.'),
  kind: Enum(['Deployment', 'DaemonSet'], {
    default: 'Deployment',
    description: '`Deployment`: behind a Service with an address that stays. `DaemonSet`: on each control-plane node, at 127.0.0.1 of the host.'
  }),
  allowKindChange: Flag(false, 'Let an upgrade change `kind`. Nobody can log in through the webhook until every API server has the new webhook config; the README says how to do without.'),
  replicaCount: Count(2, { minimum: 0 }, 'Pods of a Deployment; 0: none, and nobody is authenticated.'),
  image: Image,
  imagePullSecrets: KubernetesList('As `[{name: …}]`.'),
  config: ServiceConfig,
  users: Group('Who may log in, for the provider `static`.', {
    existingSecret: ObjectName('A Secret with the key `users.yaml`. Empty: the chart makes one, the chart\'s name and `-users`, without anybody in it, once; neither an upgrade nor an uninstallation touches it.')
  }),
  secretMounts: Type.Array(SecretMount, { default: [], description: 'Secrets for providers, such as bind passwords and CAs: `{name, secretName, items}`. Files lie in /etc/authn-webhook/secrets/NAME, and are read again when they change.' }),
  service: Group('How API servers reach a Deployment.', {
    clusterIP: Type.String({
      pattern: '^([0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)?$',
      expected: 'an IP address',
      default: '',
      description: 'API servers use no cluster DNS, so the address has to stay. Empty: that of the Service which is there, else a free one of the range\'s lower part, where nothing is handed out by chance.'
    }),
    port: Type.Integer({ minimum: 1, maximum: 65535, default: 443, description: 'Its port.' }),
    annotations: StringMap('Annotations of the Service.')
  }),
  tls: Certificates,
  distribution: Enum(['', 'kubeadm', 'kind', 'k3s', 'rke2', 'talos', 'talos-1.14'], { default: '', description: 'Whose commands the notes show. Empty: what the cluster lets see of it, otherwise all.' }),
  ...pods,
  podDisruptionBudget: Group('What a drain of nodes leaves; for a Deployment.', {
    enabled: Flag(true, 'Create the PodDisruptionBudget.'),
    maxUnavailable: Type.Unsafe<number | string>({ type: ['integer', 'string'], minimum: 0, maximum: 1000, pattern: '^[0-9]{1,3}%$', default: 1, description: 'Pods, or per cent. 0: every drain of a node blocks.' })
  }),
  autoscaling: Group('A HorizontalPodAutoscaler in place of `replicaCount`.', {
    enabled: Flag(false, 'Create the HorizontalPodAutoscaler.'),
    minReplicas: Count(2, {}, 'At least.'),
    maxReplicas: Count(6, {}, 'At most.'),
    targetCPUUtilizationPercentage: Count(80, {}, 'Target CPU utilization, in per cent of the request.')
  }),
  networkPolicy: Group('For a Deployment; pods on the host\'s network have none.', {
    enabled: Flag(true, 'Create the NetworkPolicy.'),
    apiServerCIDRs: Type.Array(Type.String({ pattern: '^[0-9a-fA-F:.]+/[0-9]{1,3}$', expected: 'a CIDR such as 192.0.2.0/24' }), { default: [], description: 'Where API servers call from: the addresses of control-plane nodes, as pods see them. Empty together with `reviewsFrom`: from anywhere.' }),
    reviewsFrom: KubernetesList('Who else may ask for reviews, as peers of a NetworkPolicy, such as the pods of Pinniped. Empty together with `apiServerCIDRs`: anyone.'),
    metricsFrom: KubernetesList('Who may scrape, as peers of a NetworkPolicy. Empty: anybody.'),
    egress: KubernetesList('What providers may reach, as egress rules. Empty: nothing where all of them are `static`, otherwise anything.')
  }),
  metrics: Metrics,
  extraObjects: Type.Array(Type.Unsafe<object | string>({ type: ['object', 'string'] }), { default: [], description: 'Further objects, as templates.' })
}, { title: 'Values of the chart authn-webhook', default: {} })
export type HelmValues = Static<typeof HelmValues>
