import { test } from 'tap'
import { findReservedNames, guardReserved, isReservedName } from '../../../src/authn/reserved.js'

const NO_EXCEPTIONS = { allowUsers: [], allowGroups: [] }

for (const username of ['system:admin', 'system:serviceaccount:kube-system:default', 'system:']) {
  test(`the user ${username} does not pass`, async t => {
    t.equal(guardReserved({ username }, NO_EXCEPTIONS).user, undefined)
  })
}

for (const username of ['\uff53\uff59\uff53\uff54\uff45\uff4d\uff1amasters', '\uff53\uff59\uff53\uff54\uff45\uff4d\uff1a\uff41', 'system\uff1aadmin', 'sy\u017ftem:admin']) {
  test(`the user ${username} does not pass: compatibility normalization makes it a reserved one`, async t => {
    t.equal(guardReserved({ username }, NO_EXCEPTIONS).user, undefined)
    t.ok(guardReserved({ username }, { allowUsers: [username], allowGroups: [] }).user, 'unless the config names it')
  })
}

for (const username of ['systemd', 'System:admin', 'corp:system:admin', 'system']) {
  test(`the user ${username} passes`, async t => {
    t.strictSame(guardReserved({ username }, NO_EXCEPTIONS).user, { username })
  })
}

test('what is not reserved is left as it is', async t => {
  const user = { username: 'alice', uid: '1001', groups: ['dev'], extra: { team: ['a'] } }
  t.strictSame(guardReserved(user, NO_EXCEPTIONS), { user, dropped: { group: [], extra: [] } })
  t.strictSame(guardReserved({ username: 'system:admin', groups: ['system:masters'] }, NO_EXCEPTIONS), { user: undefined, dropped: { group: [], extra: [] } })
})

test('a name by itself', async t => {
  t.same(['system:admin', 'system:', 'sy\u017ftem:admin', 'systemd', 'corp:system:admin', ''].filter(isReservedName), ['system:admin', 'system:', 'sy\u017ftem:admin'])
})

test('reserved groups are dropped and listed, the others stay in their order', async t => {
  const groups = ['ops', 'system:masters', 'dev', 'system:nodes', 'corp:system:masters']
  t.strictSame(guardReserved({ username: 'alice', groups }, NO_EXCEPTIONS), {
    user: { username: 'alice', groups: ['ops', 'dev', 'corp:system:masters'] },
    dropped: { group: ['system:masters', 'system:nodes'], extra: [] }
  })
})

test('an exception lets one name through, by its exact spelling', async t => {
  const exceptions = { allowUsers: ['system:kube-proxy'], allowGroups: ['system:node-proxier'] }
  t.strictSame(guardReserved({ username: 'system:kube-proxy', groups: ['system:node-proxier', 'system:masters'] }, exceptions), {
    user: { username: 'system:kube-proxy', groups: ['system:node-proxier'] },
    dropped: { group: ['system:masters'], extra: [] }
  })
  t.equal(guardReserved({ username: 'system:kube-proxy2' }, exceptions).user, undefined)
})

const keys: Array<[key: string, passes: boolean]> = [
  ['team', true],
  ['example.com/team', true],
  ['notkubernetes.io/team', true],
  ['example.com/kubernetes.io', true],
  ['authentication.kubernetes.io/pod-name', false],
  ['authentication.kubernetes.io/node-name', false],
  ['kubernetes.io/x', false],
  ['kubernetes.io', false],
  ['k8s.io/x', false],
  ['some.sub.k8s.io/x', false],
  ['kubernetes\uff0eio/x', false],
  ['\uff4b8s.io/x', false],
  ['Example.com/team', false],
  ['example.com/Team', false]
]

for (const [key, passes] of keys) {
  test(`the extra key ${key} ${passes ? 'passes' : 'is dropped and listed'}`, async t => {
    const { user, dropped } = guardReserved({ username: 'alice', extra: { [key]: ['x'], kept: ['y'] } }, NO_EXCEPTIONS)
    t.strictSame(Object.keys(user?.extra ?? {}), passes ? [key, 'kept'] : ['kept'])
    t.strictSame(dropped.extra, passes ? [] : [key])
  })
}

test('names in a file are reserved under the prefixes and exceptions of its provider', async t => {
  const user = { username: 'system:kube-proxy', groups: ['dev', 'system:masters', 'ｓystem:nodes'] }
  const rules = { usernamePrefix: '', groupPrefix: '', reserved: { allowUsers: [], allowGroups: [] } }
  for (const [name, changed, expected] of [
    ['none', {}, ['username', 'groups[1]', 'groups[2]']],
    ['prefixes', { usernamePrefix: 'corp:', groupPrefix: 'corp:' }, []],
    ['a prefix that is reserved itself', { usernamePrefix: 'corp:', groupPrefix: 'system:' }, ['groups[0]', 'groups[1]', 'groups[2]']],
    ['exceptions', { reserved: { allowUsers: ['system:kube-proxy'], allowGroups: ['system:masters'] } }, ['groups[2]']]
  ] as const) {
    t.strictSame(findReservedNames(user, { ...rules, ...changed }).map(({ path }) => path), expected, name)
  }
  t.match(findReservedNames(user, rules)[1]!.message, /^the group "system:masters" is reserved for Kubernetes: it is dropped unless reserved\.allowGroups lists it$/)
  t.strictSame(findReservedNames({ username: 'alice' }), [])
  t.strictSame(findReservedNames(user).map(({ path }) => path), ['username', 'groups[1]', 'groups[2]'], 'of a provider whose config is not known')
  t.match(findReservedNames(user)[1]!.message, /a groupPrefix or lists it in reserved\.allowGroups$/)
  t.match(findReservedNames(user)[0]!.message, /^the name "system:kube-proxy" is reserved for Kubernetes: the user is denied unless the provider has a usernamePrefix or lists it in reserved\.allowUsers$/)
})
