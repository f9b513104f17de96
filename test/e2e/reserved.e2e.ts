/** Names that Kubernetes trusts: whatever a source of identities says, they give nobody any power. */
import { test, type Test } from 'tap'
import type { UserInfo } from '../../schemas/token-review.js'
import { startCluster, type Cluster } from './cluster.js'
import { answersOf, entryOf, thirdParty, thirdPartyFile, tokenOf } from './third-party.js'
import { createWebhook, usersFile } from './webhook.js'
import { DENIED, arrived } from './words.js'

/** Who in this cluster may do everything: as it comes, or by a ClusterRoleBinding. */
const powerful = {
  users: ['system:admin', 'system:kube-controller-manager', 'system:node:control-plane', 'system:serviceaccount:kube-system:x', 'system:anonymous', 'system:'],
  groups: ['system:masters', 'system:nodes', 'system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:unauthenticated', 'system:']
}

/** What a source says of somebody, and who gets in: the rest of it, or nobody. */
interface Case {
  readonly said: UserInfo
  readonly left: UserInfo | 'nobody'
}

/** A users file may say this, and so may a provider. */
const names: Record<string, Case> = {
  ...Object.fromEntries(powerful.users.map(username => [`the user ${username}`, { said: { username }, left: 'nobody' as const }])),
  ...Object.fromEntries(powerful.groups.map(group => [`the group ${group}`, {
    said: { username: `a member of ${group}`, groups: ['developers', group] },
    left: { username: `a member of ${group}`, groups: ['developers'] }
  }])),
  'all these groups and no other': { said: { username: 'mallory', groups: powerful.groups }, left: { username: 'mallory' } },
  'names that only look like them': {
    said: { username: 'System:admin', groups: ['SYSTEM:MASTERS', 'system\uff1amasters', 'masters', 'x:system:masters'] },
    left: { username: 'System:admin', groups: ['SYSTEM:MASTERS', 'masters', 'x:system:masters'] }
  }
}

/** No users file may say this. */
const keys: Record<string, Case> = {
  'extra keys of Kubernetes\' own': {
    said: {
      username: 'mallory',
      extra: {
        'authentication.kubernetes.io/node-name': ['control-plane'],
        'authentication.kubernetes.io/pod-name': ['kube-controller-manager'],
        'authentication.kubernetes.io/credential-id': ['X509SHA256=0'],
        'kubernetes.io/x': ['x'],
        'k8s.io': ['x'],
        'policy.k8s.io/x': ['x'],
        'Authentication.Kubernetes.io/node-name': ['control-plane'],
        'example.com/team': ['platform']
      }
    },
    left: { username: 'mallory', extra: { 'example.com/team': ['platform'] } }
  }
}

/** Where the config allows the user `system:admin` and the group `system:masters`. */
const neighbours: Record<string, Case> = {
  'a group beside the allowed one': { said: { username: 'olivia', groups: ['system:nodes', 'system:masters:x'] }, left: { username: 'olivia' } },
  'a user beside the allowed one': { said: { username: 'system:kube-controller-manager' }, left: 'nobody' },
  'a group with the allowed user\'s name': { said: { username: 'olivia', groups: ['system:admin'] }, left: { username: 'olivia' } },
  'a user with the allowed group\'s name': { said: { username: 'system:masters' }, left: 'nobody' }
}

const operators: Record<string, UserInfo> = {
  'the allowed group': { username: 'olivia', groups: ['system:masters', 'operators'] },
  'the allowed user': { username: 'system:admin' }
}

/** What a provider says to whose names the config gives prefixes. */
const prefixed: Array<Case & { readonly name: string, readonly what: string, readonly prefixes: object }> = [
  {
    name: 'corp',
    what: 'reserved names behind a prefix',
    prefixes: { usernamePrefix: 'corp:', groupPrefix: 'corp:' },
    said: { username: 'system:admin', groups: ['system:masters'] },
    left: { username: 'corp:system:admin', groups: ['corp:system:masters'] }
  },
  { name: 'user-prefix', what: 'a username that a prefix makes reserved', prefixes: { usernamePrefix: 'sys' }, said: { username: 'tem:admin' }, left: 'nobody' },
  { name: 'group-prefix', what: 'a group that a prefix makes reserved', prefixes: { groupPrefix: 'system:' }, said: { username: 'mallory', groups: ['masters'] }, left: { username: 'mallory' } }
]

const usersOf = (users: Record<string, UserInfo>): Record<string, { user: UserInfo }> => Object.fromEntries(Object.entries(users).map(([what, user]) => [what, { user }]))
const saidOf = (cases: Record<string, Case>): Record<string, UserInfo> => Object.fromEntries(Object.entries(cases).map(([what, { said }]) => [what, said]))

async function start (t: Test): Promise<Cluster> {
  const webhook = await createWebhook(t, {
    identityProviders: [
      { name: 'people', kind: 'static', config: { usersFile: 'users.yaml' } },
      thirdParty('sso', 'sso.json'),
      thirdParty('operators', 'operators.json', { reserved: { allowUsers: ['system:admin'], allowGroups: ['system:masters'] } }),
      ...prefixed.map(({ name, prefixes }) => thirdParty(name, `${name}.json`, prefixes))
    ],
    files: {
      ...thirdPartyFile,
      'users.yaml': usersFile([], Object.entries(names).map(([what, { said }]) => entryOf('people', what, said))),
      'sso.json': answersOf('sso', usersOf(saidOf({ ...names, ...keys }))),
      'operators.json': answersOf('operators', usersOf({ ...saidOf(neighbours), ...operators })),
      ...Object.fromEntries(prefixed.map(({ name, what, said }) => [`${name}.json`, answersOf(name, usersOf({ [what]: said }))]))
    }
  })
  const [cluster] = await Promise.all([webhook.kubeconfig().then(async file => await startCluster(t, { webhook: file })), webhook.start()])
  const subjects = [...powerful.users.map(user => `--user=${user}`), ...powerful.groups.map(group => `--group=${group}`)]
  const { code, stderr } = await cluster.kubectl('create', 'clusterrolebinding', 'powerful', '--clusterrole=cluster-admin', ...subjects, `--kubeconfig=${cluster.adminKubeconfig}`)
  if (code !== 0) throw new Error(stderr)
  return cluster
}

const SECRETS = '/api/v1/namespaces/kube-system/secrets'

test('reserved identities give nobody any power', async t => {
  const cluster = await start(t)
  const canDoEverything = async (token: string): Promise<string> => {
    const { stdout, stderr } = await cluster.kubectl('auth', 'can-i', '*', '*', `--token=${token}`, `--kubeconfig=${cluster.tokenKubeconfig}`)
    return stdout + stderr
  }

  await t.test('the names are powerful, had somebody got them', async t => {
    const review = async (spec: object): Promise<boolean> => (await cluster.admin('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec: { ...spec, resourceAttributes: { verb: '*', group: '*', resource: '*' } }
    })).body.status.allowed
    t.equal(await review({ user: 'mallory', groups: ['developers'] }), false)
    for (const user of powerful.users) t.equal(await review({ user }), true, user)
    for (const group of powerful.groups) t.equal(await review({ user: 'mallory', groups: [group] }), true, group)
  })

  const cases = [
    ...Object.entries(names).map(([what, row]) => ({ source: 'people', where: 'in a users file', what, ...row })),
    ...Object.entries({ ...names, ...keys }).map(([what, row]) => ({ source: 'sso', where: 'by a third party\'s provider', what, ...row })),
    ...Object.entries(neighbours).map(([what, row]) => ({ source: 'operators', where: 'where the config allows one', what, ...row })),
    ...prefixed.map(({ name, prefixes, ...row }) => ({ source: name, where: JSON.stringify(prefixes), ...row }))
  ]
  for (const { source, where, what, left } of cases) {
    const token = tokenOf(source, what)
    await t.test(`${what}, ${where}: ${left === 'nobody' ? 'nobody' : 'no power'}`, async t => {
      t.strictSame(await cluster.review(token), left === 'nobody' ? { user: {}, error: DENIED } : { authenticated: true, user: arrived(left), audiences: ['https://kubernetes.default.svc'] })
      t.equal((await cluster.call(token, SECRETS)).code, left === 'nobody' ? 401 : 403)
      t.match(await canDoEverything(token), left === 'nobody' ? /Unauthorized/ : /^no$/m)
    })
  }

  for (const [what, user] of Object.entries(operators)) {
    await t.test(`${what}: power, since the config names it`, async t => {
      const token = tokenOf('operators', what)
      t.strictSame((await cluster.review(token)).user, arrived(user))
      t.equal((await cluster.call(token, SECRETS)).code, 200)
      t.match(await canDoEverything(token), /^yes$/m)
    })
  }
})
