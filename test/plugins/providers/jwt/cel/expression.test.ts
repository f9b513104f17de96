/** What an expression sees of a token and a user. */
import { test } from 'tap'
import { compileExpression, ExpressionError, type ResultType, type Variable } from '../../../../../plugins/providers/jwt/cel/expression.js'

const claims = {
  aud: 'kubernetes',
  exp: 1703232949,
  iat: 1701107233,
  iss: 'https://example.com',
  jti: '7c337942807e73caa2c30c868ac0ce910bce02ddcbfebe8c23b8b5f27ad62873',
  nbf: 1701107233,
  roles: 'user,admin',
  sub: 'auth',
  tenant: '72f988bf-86f1-41af-91ab-2d7cd011db4a',
  username: 'foo'
}

const user = { username: 'foo', uid: 'auth', groups: ['user', 'admin'], extra: { 'example.com/tenant': ['72f988bf'] } }

test('examples of the Kubernetes documentation', async t => {
  const cases: ReadonlyArray<readonly [source: string, variable: Variable, result: ResultType, input: unknown, value: unknown]> = [
    ['claims.hd == "example.com"', 'claims', 'bool', { ...claims, hd: 'example.com' }, true],
    ['claims.hd == "example.com"', 'claims', 'bool', { ...claims, hd: 'example.org' }, false],
    ['claims.exp - claims.nbf <= 86400', 'claims', 'bool', { ...claims, exp: claims.nbf + 86400 }, true],
    ['claims.exp - claims.nbf <= 86400', 'claims', 'bool', claims, false],
    ['claims.username + ":external-user"', 'claims', 'string', claims, 'foo:external-user'],
    ['claims.roles.split(",")', 'claims', 'strings', claims, ['user', 'admin']],
    ['claims.sub', 'claims', 'string', claims, 'auth'],
    ['claims.tenant', 'claims', 'strings', claims, '72f988bf-86f1-41af-91ab-2d7cd011db4a'],
    ['"system:" + claims.username', 'claims', 'string', claims, 'system:foo'],
    ['claims.?email_verified.orValue(true) == true', 'claims', 'bool', claims, true],
    ['claims.?email_verified.orValue(true) == true', 'claims', 'bool', { ...claims, email_verified: false }, false],
    ['claims.?email_verified.orValue(true) == true', 'claims', 'bool', { ...claims, email_verified: 'true' }, false],
    ["!user.username.startsWith('system:')", 'user', 'bool', user, true],
    ["!user.username.startsWith('system:')", 'user', 'bool', { ...user, username: 'system:foo' }, false],
    ["user.groups.all(group, !group.startsWith('system:'))", 'user', 'bool', user, true],
    ["user.groups.all(group, !group.startsWith('system:'))", 'user', 'bool', { ...user, groups: ['a', 'system:masters'] }, false],
    ["user.extra['example.com/tenant'] == ['72f988bf']", 'user', 'bool', user, true],
    ["user.uid == '' && user.groups.size() == 0 && user.extra.size() == 0", 'user', 'bool', { username: 'a' }, true]
  ]
  for (const [source, variable, result, input, value] of cases) t.same(compileExpression(source, variable, result).evaluate(input), value, source)
  t.throws(() => compileExpression('claims.hd == "example.com"', 'claims', 'bool').evaluate(claims), { constructor: ExpressionError, message: 'no such key: hd (column 8)' })
})

test('numbers are int if they are whole, and double otherwise', async t => {
  for (const [value, type] of [[0, 'int'], [-1, 'int'], [1703232949, 'int'], [Number.MAX_SAFE_INTEGER, 'int'], [1.5, 'double'], [2 ** 60, 'double'], [1e300, 'double']] as const) {
    t.equal(compileExpression(`type(claims.n) == ${type}`, 'claims', 'bool').evaluate({ n: value }), true, String(value))
  }
  t.equal(compileExpression('string(claims.n)', 'claims', 'string').evaluate({ n: 1234567 }), '1234567')
})

test('names of JavaScript are absent unless the token has them', async t => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'length', 'size', 'get', 'prototype']) {
    const own = JSON.parse(`{ "${name}": "own", "nested": { "${name}": "own" } }`) as unknown
    for (const [path, input] of [[`claims.${name}`, {}], [`claims.nested.${name}`, { nested: {} }]] as const) {
      t.equal(compileExpression(`has(${path})`, 'claims', 'bool').evaluate(input), false, `has(${path})`)
      t.throws(() => compileExpression(path, 'claims', 'string').evaluate(input), { constructor: ExpressionError, message: /^no such key/ }, path)
      t.equal(compileExpression(path, 'claims', 'string').evaluate(own), 'own', path)
    }
    t.equal(compileExpression(`claims["${name}"]`, 'claims', 'string').evaluate(own), 'own', name)
    t.equal(compileExpression(`claims[?"${name}"].orValue("absent")`, 'claims', 'string').evaluate({}), 'absent', name)
    t.equal(compileExpression(`"${name}" in claims`, 'claims', 'bool').evaluate({}), false, name)
    t.equal(compileExpression(`claims.list.exists(x, x == "${name}")`, 'claims', 'bool').evaluate({ list: [] }), false, name)
    t.equal(compileExpression('claims.role in {"admin": true}', 'claims', 'bool').evaluate({ role: name }), false, name)
    t.throws(() => compileExpression('{"admin": "a"}[claims.role]', 'claims', 'string').evaluate({ role: name }), ExpressionError, name)
  }
})

test('a user has four fields', async t => {
  for (const source of ['user.name', 'has(user.name)', 'user.?name.hasValue()', 'user["name"] == ""', 'user.constructor', 'has(user.constructor)']) {
    t.throws(() => compileExpression(source, 'user', 'bool'), { constructor: ExpressionError, message: /^user has no field (name|constructor): it has username, uid, groups, extra$/ }, source)
  }
  t.throws(() => compileExpression('user.groups + 1', 'user', 'bool'), { constructor: ExpressionError, message: /no such overload/ })
  t.throws(() => compileExpression('claims.sub', 'user', 'bool'), { constructor: ExpressionError, message: /^unknown variable: claims/ })
})

test('values of the result', async t => {
  const cases: ReadonlyArray<readonly [source: string, result: ResultType, value: unknown]> = [
    ['claims.list', 'strings', ['a', 'b']], ['claims.nothing', 'strings', null], ['has(claims.x) ? claims.x : null', 'strings', null], ['claims.whole', 'string', 1n], ['claims.list', 'string', ['a', 'b']], ['claims.text', 'bool', 'a\uFFFDb']
  ]
  for (const [source, result, value] of cases) t.same(compileExpression(source, 'claims', result).evaluate({ list: ['a', 'b'], nothing: null, whole: 1, text: 'a\ud800b' }), value, source)
})

test('claims that an expression reads', async t => {
  const cases: ReadonlyArray<readonly [source: string, reads: readonly string[]]> = [
    ['claims.email', ['email']],
    ['claims["email"]', ['email']],
    ['claims.?email.orValue("")', ['email']],
    ['claims[?"email"].orValue("")', ['email']],
    ['has(claims.email) ? claims.email : claims.sub', ['email', 'sub']],
    ['claims.a.b.c', ['a.b.c']],
    ['claims.?a.?b["c"].orValue("")', ['a.b.c']],
    ['claims.a[claims.key].b', ['a', 'key']],
    ['claims.a[0]', ['a']],
    ['claims.roles.split(",")[0].lowerAscii()', ['roles']],
    ['claims.groups.filter(g, g != claims.sub && !g.matches(claims.p))', ['groups', 'sub', 'p']],
    ['cel.bind(x, claims.a, x + claims.b)', ['a', 'b']],
    ['[claims.a, {"k": claims.b}["k"], claims.c == 1 ? "x" : "y"]', ['a', 'b', 'c']],
    ['claims.exists(k, v, k == "email") ? "a" : "b"', []]
  ]
  for (const [source, reads] of cases) t.same([...compileExpression(source, 'claims', 'strings').reads].sort(), [...reads].sort(), source)
  t.same([...compileExpression('user.groups.exists(g, g == user.username)', 'user', 'bool').reads], ['groups', 'username'])
})
