/** What keeps a release from starting, and that what an operator sees first names the cause. */
import { test } from 'tap'
import { CHART, step } from '../chart-install/release.js'
import { startNodes } from './nodes.js'
import { settled } from './pods.js'

interface Obstacle {
  readonly namespace: string
  /** Of helm. */
  readonly values: string
  /** What names the cause, in what the first step of the notes prints when it gives up. */
  readonly cause: RegExp
}

const OBSTACLES: Record<string, Obstacle> = {
  'a missing image': { namespace: 'image', values: '--set image.tag=never-built', cause: /Failed to pull image "authn-webhook:never-built"/ },
  'a missing Secret': { namespace: 'secret', values: '--set users.existingSecret=nobody', cause: /secret "nobody" not found/ },
  'a quota that is used up': { namespace: 'quota', values: '', cause: /exceeded quota: small/ },
  'a config that the service rejects': { namespace: 'config', values: '--values no-such-file.yaml', cause: /nobody\.yaml/ }
}

/**
 * The Pod Security Standards as an API server of 1.20 enforces them: everybody may run privileged pods, except in the namespace
 * `restricted` (https://kubernetes.io/docs/concepts/security/pod-security-standards/).
 */
const POLICIES = [
  policy('privileged', { hostNetwork: true, hostPorts: [{ min: 0, max: 65535 }], volumes: ['*'], runAsUser: { rule: 'RunAsAny' }, fsGroup: { rule: 'RunAsAny' }, supplementalGroups: { rule: 'RunAsAny' } }),
  policy('restricted', {
    allowPrivilegeEscalation: false,
    requiredDropCapabilities: ['ALL'],
    volumes: ['configMap', 'emptyDir', 'projected', 'secret', 'downwardAPI', 'persistentVolumeClaim'],
    runAsUser: { rule: 'MustRunAsNonRoot' },
    fsGroup: { rule: 'MustRunAs', ranges: [{ min: 1, max: 65535 }] },
    supplementalGroups: { rule: 'MustRunAs', ranges: [{ min: 1, max: 65535 }] }
  }),
  ...['image', 'secret', 'quota', 'config'].map(namespace => allowance(namespace, 'privileged')),
  allowance('restricted', 'restricted')
].flat()

test('obstacles', async t => {
  const cwd = t.testdir({
    'users.yaml': 'users: []',
    'policies.yaml': POLICIES.map(object => JSON.stringify(object)).join('\n---\n'),
    'misspelt.yaml': 'config:\n  server:\n    prot: 8443\n',
    'not-a-list.yaml': 'tolerations: everywhere\n',
    'not-yaml.yaml': 'config: [\n',
    'no-such-file.yaml': 'config:\n  identityProviders:\n    - name: people\n      kind: static\n      config: { usersFile: /etc/authn-webhook/users/nobody.yaml }\n'
  })
  const cluster = await startNodes(t, { flags: ['--enable-admission-plugins=PodSecurityPolicy'] })
  const { shell, attempt } = cluster

  await shell('kubectl apply --validate=false -f policies.yaml', cwd)
  await shell('kubectl -n quota create quota small --hard=pods=0')
  const obstacles = await Promise.all(Object.entries(OBSTACLES).map(async ([what, { namespace, values, cause }], index) => {
    const notes = await shell(`helm install authn-webhook ${CHART} --namespace ${namespace} --set service.clusterIP=10.96.0.${index + 2} ${values}`, cwd)
    const [wait] = step(notes, 1).split('\n')
    const { stdout, stderr } = await attempt('set +e; ' + wait!.replace('--timeout=2m', '--timeout=30s'), cwd)
    return { what, cause, seen: stdout + stderr }
  }))
  for (const { what, cause, seen } of obstacles) {
    await t.test(`${what}: the first step of the notes names it`, async t => { t.match(seen, cause) })
  }

  await t.test('where Pod Security is "restricted", a Deployment runs, and a DaemonSet is rejected with its reason', async t => {
    const install = (args: string): string => `helm install authn-webhook ${CHART} --namespace restricted ${args}`
    await shell('kubectl label namespace restricted pod-security.kubernetes.io/enforce=restricted')
    t.match((await attempt(install('--set kind=DaemonSet'))).stderr, /the namespace restricted enforces the Pod Security Standard "restricted", which forbids that/)
    await shell(install(''))
    for (const { object } of await settled(cluster, 2, { namespace: 'restricted' })) t.equal(object.metadata.annotations['kubernetes.io/psp'], 'restricted')
  })

  await t.test('values that are wrong', async t => {
    for (const [file, cause] of Object.entries({
      'misspelt.yaml': /at '\/config\/server': additional properties 'prot' not allowed/,
      'not-a-list.yaml': /at '\/tolerations': got string, want array/,
      'not-yaml.yaml': /not-yaml\.yaml.*yaml: line/s
    })) {
      const { code, stderr } = await attempt(`helm install authn-webhook ${CHART} --namespace kube-system --values ${file}`, cwd)
      t.not(code, 0, file)
      t.match(stderr, cause, file)
    }
    t.notOk((await shell('helm list --all-namespaces --short')).includes('kube-system'), 'nothing was installed')
  })
})

function policy (name: string, spec: object): object[] {
  return [
    { apiVersion: 'policy/v1beta1', kind: 'PodSecurityPolicy', metadata: { name, annotations: { 'seccomp.security.alpha.kubernetes.io/allowedProfileNames': '*' } }, spec: { seLinux: { rule: 'RunAsAny' }, ...spec } },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: `psp-${name}` }, rules: [{ apiGroups: ['policy'], resources: ['podsecuritypolicies'], resourceNames: [name], verbs: ['use'] }] }
  ]
}

/** A namespace whose pods have to satisfy a policy. */
function allowance (namespace: string, policy: string): object[] {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'psp', namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: `psp-${policy}` },
      subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: `system:serviceaccounts:${namespace}` }]
    }
  ]
}
