/** `login:` of the chart: the sign-in service, in pods of its own. */
import { Type, type Static } from '@sinclair/typebox'
import { LoginConfig, StoreConfig } from '../login.js'
import { Closed, Enum } from '../primitives.js'
import { Count, Flag, Group, KubernetesList, KubernetesObject, ObjectName, StringMap, Text } from './kubernetes.js'
import { autoscaling, podDisruptionBudget, SecretMounts, serviceAccount, SPREAD } from './pod.js'

const { issuer, host: _host, tls: _tls, signingKeys: _signingKeys, clients, ...service } = LoginConfig.properties
const { password: _password, caFile: _caFile, ...store } = StoreConfig.properties

const NOT_SET = { issuer: '', clients: [] }

/** The chart requires both fields if the sign-in service is enabled. */
const ServiceConfig = Closed({
  issuer: Type.Unsafe<string>({ ...issuer, pattern: `^$|${issuer['pattern']}` }),
  clients: Type.Array(clients.items, { default: [] }),
  ...service
}, { default: NOT_SET, description: 'Config of the sign-in service, as `login` in examples/full.yaml, without `signingKeys`, `host` and the files of `tls`. `issuer` and `clients` are required. The CA of this cluster is mounted at /etc/authn-webhook/cluster/ca.crt, for `clients[].cluster.certificateAuthorityFile`.' })

const SecretKey = (key: string, description: string) => Type.Optional(Closed({
  name: Type.String({ minLength: 1, description: 'Name of the Secret.' }),
  key: Type.String({ minLength: 1, default: key, description: 'Key in the Secret.' })
}, { description }))

const Store = Closed({
  ...store,
  passwordSecret: SecretKey('password', 'Secret with the password.'),
  caSecret: SecretKey('ca.crt', 'Secret with the CA of the server, PEM.')
}, { default: { kind: 'memory' }, description: 'Where the sign-in service keeps its state. `{kind: memory}`: in its only pod. `{kind: redis, url, username, passwordSecret: {name, key}, caSecret: {name, key}}` and the other fields of `store` in examples/full.yaml: in Redis or Valkey, for several pods; reviews then share the counts of wrong passwords.' })

const SigningKey = Closed({
  name: Type.String({ pattern: '^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$', expected: 'a name of lower-case letters, digits and hyphens, at most 32', description: 'Name of the key.' }),
  secretName: Type.Optional(Type.String({ minLength: 1, description: 'Existing Secret of the type kubernetes.io/tls.' }))
})

export const Login = Group('Sign-in service: people sign in with a password of `config.identityProviders`, and get session tokens that reviews accept.', {
  enabled: Flag(false, 'Run the sign-in service.'),
  config: ServiceConfig,
  signingKeys: Type.Array(SigningKey, { minItems: 1, default: [{ name: 'first' }], description: 'Keys of the session tokens, as `{name, secretName}`: the first signs, all are published and accepted. Without `secretName`, the chart creates the key in a Secret named after the chart with `-login-key-NAME`, which no upgrade or uninstallation changes.' }),
  store: Store,
  revocations: Group('Revoked session tokens.', {
    existingConfigMap: ObjectName('ConfigMap with the key `revocations.yaml`. Empty: the chart creates one without revocations, named after the chart with `-revocations`, which no upgrade or uninstallation changes.')
  }),
  replicaCount: Count(1, {}, 'Number of pods; more than one requires `store.kind: redis`.'),
  tls: Group('TLS for people\'s browsers.', {
    mode: Enum(['ingress', 'existingSecret', 'certManager'], { default: 'ingress', description: 'Where TLS ends. `ingress`: at an Ingress, Gateway or load balancer that speaks plain HTTP to the pods and whose addresses are `config.trustedProxies`. `existingSecret`, `certManager`: in the pods.' }),
    existingSecret: ObjectName('For `mode: existingSecret`: Secret with `tls.crt` and `tls.key`. Empty: the chart\'s name with `-login-tls`.'),
    issuerRef: KubernetesObject('For `mode: certManager`: issuer that browsers trust, as `{name, kind, group}`.')
  }),
  service: Group('Service of the sign-in service.', {
    type: Enum(['ClusterIP', 'LoadBalancer', 'NodePort'], { default: 'ClusterIP', description: 'Type of the Service. Of the others, `externalTrafficPolicy` is Local: attempts are limited by the address of the person.' }),
    port: Type.Integer({ minimum: 0, maximum: 65535, default: 0, description: 'Port of the Service; 0: 80 with `tls.mode: ingress`, otherwise 443.' }),
    annotations: StringMap('Annotations of the Service.')
  }),
  ingress: Group('Ingress, with host and path of `config.issuer`.', {
    enabled: Flag(false, 'Create the Ingress.'),
    className: Text('', 'Ingress class; empty: the default one of the cluster.'),
    annotations: StringMap('Annotations of the Ingress.'),
    tlsSecret: ObjectName('Secret with the certificate; empty: the default one of the Ingress controller.')
  }),
  httpRoute: Group('HTTPRoute of the Gateway API, with host and path of `config.issuer`.', {
    enabled: Flag(false, 'Create the HTTPRoute.'),
    parentRefs: KubernetesList('Gateways, as `[{name: …}]`; required.'),
    annotations: StringMap('Annotations of the HTTPRoute.')
  }),
  networkPolicy: Group('NetworkPolicy of the sign-in pods, if `networkPolicy.enabled`. They may reach what reviews may reach.', {
    from: KubernetesList('Clients of the port for people, such as the pods of the Ingress controller, as peers of a NetworkPolicy. Empty: any source.'),
    storeEgress: KubernetesList('Egress rules for Redis, of sign-in and review pods. Required if `networkPolicy.egress` is set. Empty: any destination.')
  }),
  serviceAccount,
  podDisruptionBudget: podDisruptionBudget('PodDisruptionBudget; not for one pod, which would block drains of its node.'),
  autoscaling: autoscaling('HorizontalPodAutoscaler, in place of `login.replicaCount`; requires `store.kind: redis`.'),
  secretMounts: SecretMounts('Secrets for the sign-in pods alone, such as client secrets of web applications; see `secretMounts`.'),
  podAnnotations: StringMap('Annotations of pods.'),
  podLabels: StringMap('Labels of pods.'),
  resources: KubernetesObject('Requests and limits. The heap of Node.js is sized to half of the memory limit.', {
    requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '384Mi' }
  }),
  priorityClassName: Text('', 'Priority class; empty: the default one of the cluster.'),
  nodeSelector: StringMap('Labels of nodes to run on.', { 'kubernetes.io/os': 'linux' }),
  tolerations: KubernetesList('Tolerations. The chart adds 30 s (instead of 300 s) for nodes that are not ready or unreachable, unless one here has the same key.'),
  affinity: KubernetesObject('Affinity. Empty: pods avoid control-plane nodes if there are others, and prefer different zones.'),
  topologySpreadConstraints: KubernetesList('Topology spread constraints, see `topologySpreadConstraints`.', SPREAD)
})
export type Login = Static<typeof Login>
