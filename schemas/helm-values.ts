/** The values of charts/authn-webhook, from which `npm run schemas` generates values.schema.json, values.yaml and the table of the README. */
import { Type, type Static } from '@sinclair/typebox'
import { Certificates } from './helm/certificates.js'
import { Count, Flag, Group, KubernetesList, ObjectName, StringMap } from './helm/kubernetes.js'
import { Login } from './helm/login.js'
import { Metrics } from './helm/monitoring.js'
import { autoscaling, Image, podDisruptionBudget, pods, SecretMounts } from './helm/pod.js'
import { ServiceConfig } from './helm/service-config.js'
import { Closed, Enum } from './primitives.js'

export const HelmValues = Closed({
  global: Type.Optional(Type.Unsafe<object>({ type: 'object', description: 'Values of a parent chart; not used.' })),
  enabled: Type.Optional(Type.Boolean({ description: 'For the `condition` of a parent chart; not used.' })),
  nameOverride: ObjectName('Name in place of the chart\'s, in names of objects.'),
  fullnameOverride: ObjectName('Name in place of the release\'s and the chart\'s, in names of objects.'),
  commonLabels: StringMap('Labels of all objects.'),
  kind: Enum(['Deployment', 'DaemonSet'], {
    default: 'Deployment',
    description: 'Kind of workload. `Deployment`: behind a Service with a stable IP address. `DaemonSet`: on each control-plane node, at 127.0.0.1 of the host.'
  }),
  allowKindChange: Flag(false, 'Allow an upgrade to change `kind`. Users can\'t log in through the webhook until each API server has the new webhook config; the README shows a way without interruption.'),
  replicaCount: Count(2, { minimum: 0 }, 'Number of pods of a Deployment; 0: none, and nobody is authenticated.'),
  image: Image,
  imagePullSecrets: KubernetesList('Pull secrets, as `[{name: …}]`.'),
  config: ServiceConfig,
  users: Group('Users of the provider `static`.', {
    existingSecret: ObjectName('Secret with the key `users.yaml`. Empty: the chart creates one without users, named after the chart with `-users`, which no upgrade or uninstallation changes.')
  }),
  secretMounts: SecretMounts('Secrets for providers, such as bind passwords and CAs: `{name, secretName, items}`. Mounted at /etc/authn-webhook/secrets/NAME; reloaded when they change.'),
  service: Group('Service through which API servers reach a Deployment.', {
    clusterIP: Type.String({
      pattern: '^([0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)?$',
      expected: 'an IP address',
      default: '',
      description: 'IP address, which must be stable, since API servers don\'t use cluster DNS. Empty: that of the existing Service, otherwise a free one of the range\'s static band, which Kubernetes avoids for dynamic allocation.'
    }),
    port: Type.Integer({ minimum: 1, maximum: 65535, default: 443, description: 'Port of the Service.' }),
    annotations: StringMap('Annotations of the Service.')
  }),
  tls: Certificates,
  distribution: Enum(['', 'kubeadm', 'kind', 'k3s', 'rke2', 'talos', 'talos-1.14'], { default: '', description: 'Distribution whose commands the notes show. Empty: the one detected in the cluster, otherwise all.' }),
  ...pods,
  podDisruptionBudget: podDisruptionBudget('PodDisruptionBudget of a Deployment.'),
  autoscaling: autoscaling('HorizontalPodAutoscaler, in place of `replicaCount`.'),
  networkPolicy: Group('NetworkPolicy of a Deployment; pods on the host network can\'t have one.', {
    enabled: Flag(true, 'Create the NetworkPolicy.'),
    apiServerCIDRs: Type.Array(Type.String({ pattern: '^[0-9a-fA-F:.]+/[0-9]{1,3}$', expected: 'a CIDR such as 192.0.2.0/24' }), { default: [], description: 'Source addresses of API servers: those of control-plane nodes, as pods see them. If `reviewsFrom` is empty too: any source.' }),
    reviewsFrom: KubernetesList('Other clients that may POST reviews, such as the pods of Pinniped, as peers of a NetworkPolicy. If `apiServerCIDRs` is empty too: any source.'),
    metricsFrom: KubernetesList('Clients that may scrape metrics, as peers of a NetworkPolicy. Empty: any source.'),
    egress: KubernetesList('Destinations that providers may reach, as egress rules. Empty: none if all providers are `static`, otherwise any.')
  }),
  metrics: Metrics,
  login: Login,
  extraObjects: Type.Array(Type.Unsafe<object | string>({ type: ['object', 'string'] }), { default: [], description: 'Additional objects, as templates.' })
}, { title: 'Values of the chart authn-webhook', default: {} })
export type HelmValues = Static<typeof HelmValues>
