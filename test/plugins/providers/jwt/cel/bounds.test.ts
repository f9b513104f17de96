/**
 * Tokens are hostile: whatever they make an expression do must end. The outcome
 * depends on counted costs, not on the clock.
 */
import { test } from 'tap'
import { compileExpression, ExpressionError } from '../../../../../plugins/providers/jwt/cel/expression.js'

/** About what fits in a token of 16 KiB. */
const HOSTILE = {
  a: Array.from({ length: 2_500 }, (_, index) => String(index % 10)),
  b: Array.from({ length: 2_500 }, (_, index) => String(index % 10)),
  lists: Array.from({ length: 4 }, () => Array.from({ length: 600 }, () => 'a')),
  text: 'a'.repeat(12_000),
  half: 'a'.repeat(6_000) + 'b',
  digits: '1'.repeat(12_000),
  spaces: `${' '.repeat(6_000)}x${' '.repeat(6_000)}`,
  pattern: '(a|b)'.repeat(2_400),
  repeats: '(?:a{0,100}){10}b',
  map: Object.fromEntries(Array.from({ length: 1_500 }, (_, index) => [`k${index}`, 1]))
}

const COSTS = /^(?:evaluation costs too much for this input|builds a string of more than 65536 characters)$/

test('every construct that loops ends with an error', async t => {
  const sources = [
    'claims.a.all(x, claims.a.all(y, claims.a.all(z, true)))',
    'claims.a.exists(x, claims.a.exists(y, claims.a.exists(z, z == "x")))',
    'claims.a.exists_one(x, claims.a.exists_one(y, claims.a.exists_one(z, z == "x")))',
    'claims.a.map(x, claims.a.map(y, claims.a)).size() == 1',
    'claims.a.filter(x, claims.a.filter(y, true).size() > 0).size() == 1',
    'claims.a.all(i, x, claims.a.all(j, y, !claims.a.existsOne(k, z, z == "x")))',
    'claims.a.transformList(i, x, claims.a.transformList(j, y, claims.a)).size() == 1',
    'claims.map.transformMap(k, v, claims.map.transformMap(l, w, claims.map)).size() == 1',
    'claims.map.all(k, claims.map.all(l, claims.map.all(m, true)))',
    'claims.a.all(x, x in claims.b)',
    'claims.a.all(x, claims.a == claims.b)',
    'claims.a.all(x, claims.a in [claims.b])',
    'claims.lists.all(x, claims.a.all(y, x == claims.lists[0]))',
    'claims.a.all(x, claims.a + claims.b != [])',
    'claims.a.all(x, sets.contains(claims.a, claims.b))',
    'sets.contains(claims.a, ["x"] + claims.a) || sets.equivalent(claims.a.map(x, [x]), claims.a.map(x, [x]))',
    'claims.a.all(x, claims.a.indexOf("x") < 0 && claims.a.sum() == "")',
    'claims.a.all(x, claims.text.matches(claims.repeats))',
    'claims.text.matches(claims.pattern)',
    'claims.a.all(x, claims.text.contains(claims.half) || true)',
    'claims.a.all(x, claims.text.indexOf(claims.half) < 0)',
    'claims.a.all(x, claims.text.size() > 0)',
    'claims.a.all(x, claims.spaces.trim() == "x")',
    'claims.a.all(x, claims.text.lowerAscii().upperAscii().lowerAscii() != "")',
    'claims.a.all(x, claims.text.split("").size() > 0)',
    'claims.a.all(x, "%s".format([claims.a]) != "")',
    'claims.text.replace("a", claims.text) != ""',
    'claims.text.replace("", claims.text) != ""',
    'claims.a.join(claims.text) != ""',
    'claims.text.split("").join(claims.text) != ""',
    '"%s%s%s%s%s%s".format([claims.text, claims.text, claims.text, claims.text, claims.text, claims.text]) != ""',
    'claims.a.map(x, claims.text + claims.text).size() > 0',
    'cel.bind(a, claims.text + claims.text, cel.bind(b, a + a, cel.bind(c, b + b, c != "")))',
    'claims.?text.optMap(a, a + a + a + a + a + a).hasValue()',
    // errors in each round
    'claims.a.all(x, claims.a.all(y, claims.absent == "a" || true))',
    'claims.a.exists(x, claims.a.exists(y, claims.absent == "a"))',
    'claims.a.all(x, claims.a.all(y, uint(claims.spaces) == 1u || true))',
    'claims.a.all(x, claims.a.all(y, bool(claims.text) || true))',
    // functions that are slow although their arguments are short
    'claims.a.all(x, claims.a.all(y, ip("1.1.1.1").isGlobalUnicast()))',
    'claims.a.all(x, claims.a.all(y, cidr("2001:db8::/32").containsIP("2001:db8::1")))',
    'claims.a.all(x, claims.a.all(y, quantity("1e30").sign() == 1))',
    'claims.a.all(x, claims.a.all(y, timestamp("2024-01-15T14:30:45Z").getHours() == 14))',
    'claims.a.all(x, claims.a.all(y, duration("1h1m1s").getHours() == 1))',
    'claims.a.all(x, claims.a.all(y, url("https://a.example.com/a?b=c#d").getQuery().size() == 1))',
    'claims.a.all(x, claims.a.all(y, "a".matches(y) || true))',
    'claims.a.all(x, claims.a.all(y, strings.quote(claims.text) != ""))',
    'claims.a.all(x, claims.text.findAll("a").size() > 0)',
    'claims.a.all(x, claims.a.all(y, claims.text.startsWith(claims.text)))',
    'claims.a.all(x, claims.a.join(",").split(",").size() > 0)',
    // the side that is evaluated first can't hide it
    'claims.a.all(x, claims.a.all(y, claims.a.all(z, true))) || true',
    '!(claims.a.all(x, claims.a.all(y, claims.a.all(z, true))) && false)',
    'claims.a.exists(x, claims.a.all(y, claims.a.all(z, true)) || true)'
  ]
  for (const source of sources) {
    const expression = compileExpression(source, 'claims', 'bool')
    t.throws(() => expression.evaluate(HOSTILE), { constructor: ExpressionError, message: COSTS }, source)
  }
})

test('hostile values are refused at once', async t => {
  const cases: ReadonlyArray<readonly [source: string, message: RegExp]> = [
    ['duration(claims.digits) == duration("1s")', /^duration: not a duration$/],
    ['timestamp(claims.digits) == timestamp(0)', /^timestamp: /],
    ['int(claims.digits) == 1', /^int: /],
    ['double(claims.digits) == 1.0', /^double: /],
    ['quantity(claims.digits).sign() == 1', /^quantity: /],
    ['ip(claims.digits).family() == 4', /^ip: /],
    ['cidr(claims.digits).prefixLength() == 4', /^cidr: /]
  ]
  for (const [source, message] of cases) t.throws(() => compileExpression(source, 'claims', 'bool').evaluate(HOSTILE), { constructor: ExpressionError, message }, source)
})

test('claims that are nested deeply', async t => {
  const nested = JSON.parse('['.repeat(6_000) + ']'.repeat(6_000)) as unknown
  t.throws(() => compileExpression('claims.sub', 'claims', 'string').evaluate({ sub: 'a', nested }), { constructor: ExpressionError, message: /nested more than 60 levels deep/ })
})

test('the results of real tokens are far within the bounds', async t => {
  // as many group IDs as Entra ID puts in a token, and as many short names as fit
  const ids = Array.from({ length: 200 }, (_, index) => `72f988bf-86f1-41af-91ab-2d7cd01${String(index).padStart(5, '0')}`)
  const names = Array.from({ length: 1_000 }, (_, index) => `team-${index}`)
  for (const [groups, source] of [
    [ids, 'claims.groups.filter(g, g in claims.groups && g != claims.sub).map(g, "oidc:" + g)'],
    [ids, 'claims.groups.map(g, g.replace("-", "").lowerAscii().substring(0, 10)).filter(g, !g.matches("^system:") && !g.startsWith("kube-"))'],
    [ids, 'claims.groups.filter(g, g != claims.sub && g != claims.email && claims.groups.exists(h, h == g))'],
    [names, 'claims.groups.filter(g, g != claims.sub && g.size() > 0)'],
    [names, 'claims.groups.filter(g, g.startsWith("team-") && !(g in ["admins", "root"])).map(g, "oidc:" + g)']
  ] as const) t.equal((compileExpression(source, 'claims', 'strings').evaluate({ groups, sub: 'x', email: 'y' }) as string[]).length, groups.length, source)
})

test('one evaluation does not spend the budget of the next', async t => {
  const all = compileExpression('claims.a.all(x, x != "x")', 'claims', 'bool')
  for (let round = 0; round < 200; round++) if (all.evaluate(HOSTILE) !== true) t.fail('a later evaluation failed')
  t.throws(() => compileExpression('claims.a.all(x, claims.a.all(y, claims.a.all(z, true)))', 'claims', 'bool').evaluate(HOSTILE))
  t.equal(all.evaluate(HOSTILE), true)
})
