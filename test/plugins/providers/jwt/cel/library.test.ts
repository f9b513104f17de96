/** Each function that expressions can call, with the results of the API server. */
import { test } from 'tap'
import { compileExpression, ExpressionError, type ResultType } from '../../../../../plugins/providers/jwt/cel/expression.js'

const CLAIMS = {
  text: 'Grüße 👋 Welt',
  list: ['b', 'a'],
  mixed: ['a', 1],
  half: 1.5,
  one: 1,
  huge: 1e300,
  map: { k: 'v' }
}

/** True expressions, by subject. */
const TRUE: Readonly<Record<string, readonly string[]>> = {
  charAt: ["'hello'.charAt(4) == 'o'", "'hello'.charAt(5) == ''", "'a👋b'.charAt(1) == '👋'", "'a👋b'.charAt(2) == 'b'"],
  indexOf: [
    "'hello mellow'.indexOf('') == 0", "'hello mellow'.indexOf('ello') == 1", "'hello mellow'.indexOf('jello') == -1",
    "'hello mellow'.indexOf('', 2) == 2", "'hello mellow'.indexOf('ello', 2) == 7", "'👋hello'.indexOf('h') == 1", "'👋👋hh'.indexOf('h', 3) == 3"
  ],
  lastIndexOf: [
    "'hello mellow'.lastIndexOf('') == 12", "'hello mellow'.lastIndexOf('ello') == 7", "'hello mellow'.lastIndexOf('jello') == -1",
    "'hello mellow'.lastIndexOf('ello', 6) == 1", "'👋a👋a'.lastIndexOf('a') == 3", "'👋👋'.lastIndexOf('') == 2"
  ],
  'lowerAscii and upperAscii': [
    "'TacoCat'.lowerAscii() == 'tacocat'", "'TacoCÆt Xii'.lowerAscii() == 'tacocÆt xii'", "'TacoCat'.upperAscii() == 'TACOCAT'",
    "'TacoCÆt ß'.upperAscii() == 'TACOCÆT ß'", "'\u212a'.lowerAscii() == '\u212a'"
  ],
  replace: [
    "'hello hello'.replace('he', 'we') == 'wello wello'", "'hello hello'.replace('he', 'we', -1) == 'wello wello'",
    "'hello hello'.replace('he', 'we', 1) == 'wello hello'", "'hello hello'.replace('he', 'we', 0) == 'hello hello'",
    "'a👋'.replace('', '-') == '-a-👋-'", "'abc'.replace('', '-', 2) == '-a-bc'", "'abc'.replace('x', 'y', 5) == 'abc'", "'a.c'.replace('.', '$&') == 'a$&c'"
  ],
  split: [
    "'a b c'.split(' ') == ['a', 'b', 'c']", "'a b c'.split(' ', 0) == []", "'a b c'.split(' ', 1) == ['a b c']",
    "'a b c'.split(' ', 2) == ['a', 'b c']", "'a b c'.split(' ', -1) == ['a', 'b', 'c']", "'a👋'.split('') == ['a', '👋']",
    "'abc'.split('', 2) == ['a', 'bc']", "''.split(',') == ['']"
  ],
  substring: ["'tacocat'.substring(4) == 'cat'", "'tacocat'.substring(0, 4) == 'taco'", "'a👋b'.substring(2) == 'b'", "'a👋b'.substring(1, 2) == '👋'", "'abc'.substring(3) == ''"],
  trim: ["'  \\ttrim\\n    '.trim() == 'trim'", "'\u0085 a b\u00a0\u2003'.trim() == 'a b'", "'\ufeffa'.trim() == '\ufeffa'", "'   '.trim() == ''"],
  join: ["['hello', 'mellow'].join() == 'hellomellow'", "['hello', 'mellow'].join(' ') == 'hello mellow'", "[].join() == ''", "[].join('/') == ''", "claims.list.join(',') == 'b,a'"],
  'contains, startsWith, endsWith': ["'hello'.contains('ell')", "!'hello'.contains('x')", "'hello'.contains('')", "'hello'.startsWith('he')", "'hello'.endsWith('lo')", "'a'.endsWith('')"],
  quote: ["strings.quote('a \"b\"\\n') == '\"a \\\\\"b\\\\\"\\\\n\"'"],
  format: [
    "'%s is %d'.format(['a', 42]) == 'a is 42'", "'%%s %s'.format([64.25]) == '%s 64.25'", "'%.2f|%f'.format([3.14159, 1.0]) == '3.14|1.000000'",
    "'%b %b %o %x %X'.format([5, true, 30, 26, 26]) == '101 1 36 1a 1A'", "'%x'.format(['hi']) == '6869'",
    "'%s'.format([[1, 'x', 1.5, null]]) == '[1, \"x\", 1.500000, null]'", "'%s'.format([claims.map]) == '{\"k\":\"v\"}'", "'%s'.format([{'b': 1, 'a': 2}]) == '{\"a\":2, \"b\":1}'",
    "'%s %s'.format([timestamp('2023-02-03T23:31:20+00:00'), duration('1h45m47s')]) == '2023-02-03T23:31:20Z 6347s'"
  ],
  matches: [
    "'abc'.matches('b')", "!'abc'.matches('^b')", "matches('abc', '^a.c$')", "'foo\\nbar'.matches('(?m)^bar$')", "!'a\\n'.matches('a$')", "'٣'.matches('^\\\\pN$')",
    "!'٣'.matches('^\\\\d$')", "'👋'.matches('^.$')", "claims.text.matches('(?i)^grüße')"
  ],
  'find and findAll': [
    "'abc 123'.find('[0-9]+') == '123'", "'abc 123'.find('xyz') == ''", "'123 abc 456'.findAll('[0-9]+') == ['123', '456']",
    "'123 abc 456'.findAll('[0-9]+', 1) == ['123']", "'123 abc 456'.findAll('[0-9]+', 0) == []", "'123 abc 456'.findAll('xyz') == []", "'aab'.findAll('a*') == ['aa', '']"
  ],
  lists: [
    '[1, 2, 3].isSorted()', "['a', 'b', 'b'].isSorted()", '![2.0, 1.0].isSorted()', '[].isSorted()', '[1, 3].sum() == 4', '[1.0, 3.0].sum() == 4.0', '[].sum() == 0',
    "[duration('1m'), duration('1s')].sum() == duration('1m1s')", '[1u, 2u].sum() == 3u', '[1, 3].min() == 1', '[1, 3].max() == 3', "['b', 'a'].min() == 'a'",
    '[1, 2, 2, 3].indexOf(2) == 1', "['a', 'b', 'b'].lastIndexOf('b') == 2", '[1.0].indexOf(1.1) == -1', "[].indexOf('x') == -1", "claims.list.indexOf('a') == 1",
    '!claims.list.isSorted()', "claims.list.max() == 'b'", '[[1], [2]].indexOf([2]) == 1'
  ],
  sets: [
    'sets.contains([], [])', '!sets.contains([], [1])', 'sets.contains([1, 2, 3, 4], [2, 3])', 'sets.contains([1, 2.0, 3u], [1.0, 2u, 3])', 'sets.equivalent([1], [1, 1])',
    '!sets.equivalent([1], [2])', 'sets.intersects([1], [1, 2])', '!sets.intersects([1], [])', 'sets.intersects([[1], [2, 3]], [[1, 2], [2, 3.0]])', "sets.contains(claims.list, ['a'])",
    "sets.contains([{'a': 1}], [{'a': 1.0}])"
  ],
  urls: [
    "isURL('https://user:pass@example.com:80/path?query=val#fragment')", "isURL('/absolute-path')", "!isURL('https://a:b:c/')", "!isURL('../relative-path')", "!isURL('')",
    "!isURL('https://a/%zz')", "!isURL('https://exa mple.com/')", "url('/path').getScheme() == ''", "url('HTTPS://example.com/').getScheme() == 'https'",
    "url('https://example.com:80/').getHost() == 'example.com:80'", "url('https://example.com/').getHost() == 'example.com'", "url('https://[::1]:80/').getHost() == '[::1]:80'",
    "url('https://u:p@example.com:80/').getHostname() == 'example.com'", "url('https://[::1]:80/').getHostname() == '::1'", "url('/path').getHostname() == ''",
    "url('http://example.com:80/').getPort() == '80'", "url('https://example.com/').getPort() == ''", "url('https://example.com').getEscapedPath() == ''",
    "url('https://example.com/path with spaces/').getEscapedPath() == '/path%20with%20spaces/'", "url('https://example.com/p?k1=a&k2=b&k2=c').getQuery() == {'k1': ['a'], 'k2': ['b', 'c']}",
    "url('https://example.com/p?key with spaces=value+x%20y').getQuery()['key with spaces'] == ['value x y']", "url('https://example.com/p?').getQuery() == {}",
    "url('https://example.com/p?__proto__=a').getQuery()['__proto__'] == ['a']"
  ],
  ip: [
    "isIP('127.0.0.1')", "isIP('::1')", "!isIP('127.0.0.256')", "!isIP(':::1')", "!isIP('::ffff:1.2.3.4')", "!isIP('fe80::1%eth0')", "!isIP('01.2.3.4')", "!isIP('')",
    "ip('127.0.0.1').family() == 4", "ip('::1').family() == 6", "ip('0.0.0.0').isUnspecified()", "ip('::').isUnspecified()", "!ip('::1').isUnspecified()", "ip('127.0.0.1').isLoopback()",
    "!ip('192.168.0.1').isLoopback()", "ip('::1').isLoopback()", "ip('224.0.0.1').isLinkLocalMulticast()", "!ip('224.0.1.1').isLinkLocalMulticast()", "ip('ff02::1').isLinkLocalMulticast()",
    "!ip('fd00::1').isLinkLocalMulticast()", "ip('169.254.169.254').isLinkLocalUnicast()", "ip('fe80::1').isLinkLocalUnicast()", "!ip('fd80::1').isLinkLocalUnicast()",
    "ip('192.168.0.1').isGlobalUnicast()", "!ip('255.255.255.255').isGlobalUnicast()", "ip('2001:db8::abcd').isGlobalUnicast()", "!ip('ff00::1').isGlobalUnicast()",
    "ip.isCanonical('127.0.0.1')", "ip.isCanonical('2001:db8::abcd')", "!ip.isCanonical('2001:DB8::ABCD')", "!ip.isCanonical('2001:db8::0:0:0:abcd')",
    "string(ip('2001:DB8:0:0::1')) == '2001:db8::1'", "string(ip('10.0.0.1')) == '10.0.0.1'", "string(ip('::1.2.3.4')) == '::102:304'", "ip('2001:db8::1') == ip('2001:DB8:0::1')", "ip('1.1.1.1') != ip('1.1.1.2')"
  ],
  cidr: [
    "isCIDR('192.168.0.0/16')", "isCIDR('::1/128')", "!isCIDR('192.168.0.0/33')", "!isCIDR('::1/129')", "!isCIDR('10.0.0.0/08')", "!isCIDR('10.0.0.0')", "!isCIDR('::ffff:1.2.3.4/24')",
    "cidr('192.168.0.0/24').containsIP(ip('192.168.0.1'))", "!cidr('192.168.0.0/24').containsIP(ip('192.168.1.1'))", "cidr('192.168.0.0/24').containsIP('192.168.0.1')",
    "cidr('0.0.0.0/0').containsIP('255.1.1.1')", "!cidr('0.0.0.0/0').containsIP('::1')", "cidr('2001:db8::/32').containsIP('2001:db8:ffff::1')",
    "cidr('192.168.0.0/16').containsCIDR(cidr('192.168.10.0/24'))", "!cidr('192.168.1.0/24').containsCIDR('192.168.2.0/24')", "!cidr('192.168.0.0/24').containsCIDR('192.168.0.0/16')",
    "cidr('192.168.0.1/24').ip() == ip('192.168.0.1')", "cidr('::1/128').ip().family() == 6", "cidr('192.168.0.1/24').masked() == cidr('192.168.0.0/24')",
    "cidr('192.168.0.1/24') != cidr('192.168.0.1/24').masked()", "cidr('192.168.0.0/16').prefixLength() == 16", "string(cidr('2001:DB8::/32')) == '2001:db8::/32'"
  ],
  quantities: [
    "isQuantity('1.3G')", "isQuantity('1.3Gi')", "!isQuantity('1,3G')", "isQuantity('10000k')", "!isQuantity('200K')", "!isQuantity('Three')", "!isQuantity('Mi')", "isQuantity('1e3')", "!isQuantity('')",
    "quantity('50000000G').isInteger()", "!quantity('9999999999999999999999999999999999999G').isInteger()", "quantity('50k').asInteger() == 50000",
    "quantity('50k').sub(20000).asApproximateFloat() == 30000.0", "quantity('50k').add(quantity('20k')) == quantity('70k')", "quantity('50k').add(20) == quantity('50020')",
    "quantity('50k').add(20).sub(quantity('100k')).sub(-50000) == quantity('20')", "quantity('200M').compareTo(quantity('0.2G')) == 0", "quantity('50M').compareTo(quantity('50Mi')) == -1",
    "quantity('150Mi').isGreaterThan(quantity('100Mi'))", "quantity('50M').isLessThan(quantity('100M'))", "quantity('-1').sign() == -1", "quantity('0.1n').asApproximateFloat() > 0.0", "!quantity('1500m').isInteger()"
  ],
  conversions: [
    "string(1.5) == '1.5'", "string(1000000.0) == '1e+06'", "string(123456.0) == '123456'", "string(0.00001) == '1e-05'", "string(claims.one) == '1'", "string(true) == 'true'", "string(claims.huge) == '1e+300'",
    "string(timestamp('2024-01-15T14:30:45.120Z')) == '2024-01-15T14:30:45.12Z'", "string(duration('1.5s')) == '1.5s'", "int('42') == 42", "int('-9223372036854775808') < 0", 'int(1.9) == 1', 'int(2u) == 2',
    "int(timestamp('1970-01-01T00:01:00Z')) == 60", "double('1e3') == 1000.0", 'double(1) == 1.0', "bool('true')", 'uint(1) == 1u', "size('a👋') == 2", "'a👋'.size() == 2", 'size([1, 2]) == 2',
    "{'a': 1}.size() == 1", 'claims.map.size() == 1', 'type(claims.one) == int', 'type(claims.half) == double', 'dyn(1) == 1.0'
  ],
  time: [
    "timestamp('2024-01-15T14:30:45Z').getFullYear() == 2024", "timestamp('2024-01-15T14:30:45+01:00').getHours() == 13", 'timestamp(60) == timestamp("1970-01-01T00:01:00Z")',
    "timestamp('2024-01-02T00:00:00Z') - timestamp('2024-01-01T00:00:00Z') == duration('24h')", "timestamp(0) + duration('1h30m') == timestamp(5400)", "duration('1h').getMinutes() == 60", "duration('-1.5h') == duration('-90m')",
    'timestamp(0) < timestamp(1)', "duration('1ms').getMilliseconds() == 1"
  ],
  comprehensions: [
    "claims.list.all(x, x < 'c')", "claims.list.exists(x, x == 'a')", "claims.list.exists_one(x, x == 'a')", "!claims.list.exists_one(x, x < 'c')", "claims.list.map(x, x + '!') == ['b!', 'a!']",
    "claims.list.map(x, x == 'a', x + '!') == ['a!']", "claims.list.filter(x, x == 'a') == ['a']", "claims.map.all(k, k == 'k')", "claims.map.exists(k, v, k == 'k' && v == 'v')", '[1, 2, 3].all(i, v, i < v)',
    '![1, 2, 1, 3].existsOne(i, v, i == 1 || v == 1)', '[1, 2, 3].transformList(i, v, i * v + v) == [1, 4, 9]', '[1, 2, 3].transformList(i, v, i > 0, v) == [2, 3]',
    "{'greeting': 'hello'}.transformMap(k, v, v + '!') == {'greeting': 'hello!'}", "{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v) == {'b': 2}", "{'hello': 'world'}.exists(k, v, v == 'world')",
    "['a', 'b'].all(x, claims.list.exists(y, y == x))", "claims.mixed.exists(x, x == 'a')", '[1, 2].exists(x, 1 / (x - 1) == 1)', '![1, 2].all(x, 1 / (x - 1) == 5)'
  ],
  'bind and optional values': [
    "cel.bind(x, claims.list, x[0] + x[1]) == 'ba'", "claims.?absent.orValue('d') == 'd'", "claims.?map.?k.orValue('d') == 'v'", '!claims.?absent.hasValue()', "claims.list[?5].orValue('z') == 'z'",
    'claims.?half.optMap(x, x * 2.0).orValue(0.0) == 3.0', '!claims.?absent.optMap(x, x).hasValue()', "claims.?map.optFlatMap(m, m[?'k']).value() == 'v'", 'optional.of(1).value() == 1',
    "optional.none().orValue('x') == 'x'", 'claims.?absent.or(claims.?half).value() == 1.5'
  ],
  operators: [
    "['a', claims.text].size() == 2", "'a' in claims.list", "!('z' in claims.list)", "'k' in claims.map", "claims.list == ['b', 'a']", "claims.map == {'k': 'v'}", 'claims.one == 1.0', 'claims.half > 1', 'claims.one + 1 == 2',
    "claims.absent == 'x' || true", 'has(claims.map.k) && !has(claims.map.z) && !has(claims.absent)', "(claims.one == 1 ? 'a' : 'b') == 'a'", "claims['one'] == 1", "claims.list + ['c'] == ['b', 'a', 'c']"
  ]
}

for (const [subject, expressions] of Object.entries(TRUE)) {
  test(subject, async t => {
    for (const source of expressions) {
      try {
        t.equal(compileExpression(source, 'claims', 'bool').evaluate(CLAIMS), true, source)
      } catch (error) {
        t.fail(`${source}: ${String(error)}`)
      }
    }
  })
}

test('errors of one input', async t => {
  const cases: ReadonlyArray<readonly [source: string, message: RegExp]> = [
    ['claims.absent', /^no such key: absent \(column 12\)$/],
    ["'hello'.charAt(-1)", /index out of range/], ["'hello'.charAt(6)", /index out of range/], ["'hello mellow'.indexOf('ello', 20) == 0", /index out of range/],
    ["'hello'.lastIndexOf('e', -1) == 0", /index out of range/], ["'tacocat'.substring(-1)", /index out of range/], ["'tacocat'.substring(2, 1)", /invalid substring range/], ["'a'.substring(0, 2)", /index out of range/],
    ['claims.mixed.join()', /only strings/], ['[].min()', /min called on empty list/], ['[].max()', /max called on empty list/], ['claims.mixed.min()', /can't be compared/], ['claims.mixed.sum()', /can't be added/],
    ['[9223372036854775807, 1].sum()', /integer overflow/], ['9223372036854775807 + 1', /overflow/], ['1 / 0', /division by zero/], ["url('../relative-path')", /^url: /], ["ip(':::1')", /^ip: /], ["cidr('::1/129')", /^cidr: /],
    ["cidr('10.0.0.0/8').containsIP('x')", /^ip: /], ["quantity('Three')", /^quantity: /], ["quantity('1.5').asInteger()", /^asInteger: /], ["int('')", /^int: /], ["int('0x10')", /^int: /], ["int('9223372036854775808')", /^int: /],
    ['int(claims.huge)', /^int: /], ['uint(-1)', /^uint: /], ["uint('')", /^uint: /], ["bool('yes')", /^bool: not a bool$/], ["double('')", /^double: /], ["double('0x10')", /^double: /], ['duration(claims.text)', /^duration: /], ['timestamp(claims.text)', /^timestamp: /], ['timestamp(1000000000000)', /out of range/],
    ["'%d'.format(['a'])", /wrong type/], ["'%s'.format([])", /no value/], ["'%e'.format([1.0])", /unsupported clause %e/], ["'a'.matches(claims.pattern)", /no such key/], ["'a'.matches('(' + claims.list[0])", /invalid regular expression/],
    ['claims.one + 1.5', /no such overload/], ['claims.half + 1', /no such overload/], ["claims.one.startsWith('x')", /no matching overload for 'int.startsWith\(string\)'/], ['claims.one ? 1 : 2', /must be bool/],
    ['claims.list.all(x, x)', /predicate must be bool/], ['claims.one.all(x, true)', /must be a list or map/], ['claims.list[2]', /out of bounds/], ['claims.?absent.value()', /not present/], ['claims.list.exists_one(x, 1 / 0 == 1)', /division by zero/],
    ['[1].all(x, 1 / (x - 1) == 1)', /division by zero/], ["ip('1.1.1.1').value", /no such key/], ['claims.one.optMap(x, x)', /need an optional value/]
  ]
  for (const [source, message] of cases) {
    try {
      t.throws(() => compileExpression(`dyn(${source})`, 'claims', 'string').evaluate(CLAIMS), { constructor: ExpressionError, message }, source)
    } catch (error) {
      t.fail(`${source}: ${String(error)}`)
    }
  }
})

test('errors when the config is loaded', async t => {
  const cases: ReadonlyArray<readonly [source: string, result: ResultType, message: RegExp]> = [
    ['', 'bool', /is empty/], ['claims.', 'bool', /\(column 8\)$/], ['1 +', 'bool', /column 4/], ['true false', 'bool', /unexpected/], ['x', 'bool', /^unknown variable: x \(column 1\)$/], ['user.username', 'string', /^unknown variable: user/],
    ['1', 'bool', /must yield a bool, not int/], ['true', 'string', /must yield a string, not bool/], ['1', 'strings', /must yield a string or a list of strings, not int/], ['[1]', 'strings', /not list<int>/], ['claims', 'strings', /not map/],
    ['claims.?email', 'string', /not optional/], ["'a'.matches('(')", 'bool', /invalid regular expression \(column 1\)/], ["matches('a', 'a(?=b)')", 'bool', /invalid regular expression/], ["'a'.find('(')", 'string', /invalid regular/], ["'a'.findAll('(')", 'strings', /invalid regular/],
    ["duration('1x') == duration('1s')", 'bool', /^duration: not a duration/], ["timestamp('yesterday') == timestamp(0)", 'bool', /^timestamp: /], ["timestamp('2024-02-31T00:00:00Z') == timestamp(0)", 'bool', /^timestamp: /], ["timestamp('Tue Mar 01 2022 10:00:00') == timestamp(0)", 'bool', /^timestamp: /],
    ["'a'.reverse()", 'string', /function reverse is not supported here/], ["semver('1.0.0') == semver('1.0.0')", 'bool', /function semver is not supported/], ["authorizer.group('').resource('pods').check('get').allowed()", 'bool', /function allowed is not supported/],
    ["b'{}'.json() == {}", 'bool', /function json is not supported/], ["format.dns1123Label().validate('a').hasValue()", 'bool', /not supported|unknown variable: format/], ["timestamp(0).getHours('Europe/Berlin') == 1", 'bool', /function getHours is not supported here, or not with these arguments/],
    ["'a'.matches(1)", 'bool', /^found no matching overload for 'string.matches\(int\)'/], ["'a' + 1", 'string', /no such overload: string \+ int/], ["authn__string('a')", 'string', /not supported/], ['[1].all(1, true)', 'bool', /must be a simple name/],
    ['[1].all(x, 1)', 'bool', /predicate must be bool/], ["'a'.all(x, true)", 'bool', /must be a list or map/], ['x.bind(a, 1, true)', 'bool', /cel\.bind/], ['__proto__', 'string', /reserved/], ["(claims.email == '') ? 'a' : true", 'string', /same type/],
    ['1.optMap(x, x)', 'string', /./], ["dyn('a').optFlatMap(x, 'a')", 'string', /must be optional/], [`'${'a'.repeat(10_240)}'`, 'string', /more than 10240 characters/], [`${'!'.repeat(10_000)}true`, 'bool', /too complex|limit|exceeded/i]
  ]
  for (const [source, result, message] of cases) t.throws(() => compileExpression(source, 'claims', result), { constructor: ExpressionError, message }, source.slice(0, 60))
})

test('result types that are accepted', async t => {
  const cases: ReadonlyArray<readonly [source: string, result: ResultType]> = [
    ['true', 'bool'], ['claims.email_verified', 'bool'], ["'a'", 'string'], ['claims.sub', 'string'], ["'a'", 'strings'], ["['a']", 'strings'], ["['a', claims.sub]", 'strings'], ['[]', 'strings'], ['claims.groups', 'strings'],
    ["claims.groups.map(g, 'oidc:' + g)", 'strings'], ['claims.groups.filter(g, g != "x")', 'strings'], ['has(claims.name) ? claims.name : null', 'strings'], ['claims.?groups.orValue([])', 'strings'], ["dyn('a')", 'string'], ['[claims.a, claims.b]', 'strings']
  ]
  for (const [source, result] of cases) t.equal(compileExpression(source, 'claims', result).source, source)
})
