import fc from 'fast-check'
import { test } from 'tap'
import { parseCredential, passwordToken } from '../../../src/authn/credential.js'
import { digestToken } from '../../../src/authn/token-digest.js'
import { holds } from '../../fixtures/property.js'

const standard = (text: string | Uint8Array) => Buffer.from(text as string).toString('base64')
const url = (text: string | Uint8Array) => Buffer.from(text as string).toString('base64url')
const bare = (text: string) => text.replace(/=+$/, '')

const alice = { username: 'alice', password: 'wonderland' }
// the standard alphabet writes these with + and /, the URL alphabet with - and _
const bob = { username: 'bób', password: '??>>~~ÿÿ' }

test('a password', async (t) => {
  const cases: Array<[string, string, { username: string, password: string }]> = [
    ['standard base64', standard('alice:wonderland'), alice],
    ['its padding left out', bare(standard('alice:wonderland')), alice],
    ['standard alphabet, beyond ASCII', standard('bób:??>>~~ÿÿ'), bob],
    ['URL alphabet', url('bób:??>>~~ÿÿ'), bob],
    ['URL alphabet with padding', Buffer.from('bób:??>>~~ÿÿ').toString('base64').replace(/\+/g, '-').replace(/\//g, '_'), bob],
    ['a newline after the base64', standard('alice:wonderland') + '\n', alice],
    ['a CRLF after the base64', standard('alice:wonderland') + '\r\n', alice],
    ['a newline inside, as echo adds it', standard('alice:wonderland\n'), alice],
    ['the first colon splits', standard('alice:a:b:'), { username: 'alice', password: 'a:b:' }],
    ['one character each', standard('a:b'), { username: 'a', password: 'b' }],
    ['spaces belong to the password', standard('alice: a b '), { username: 'alice', password: ' a b ' }],
    ['a byte order mark is not swallowed', standard('\uFEFFalice:b'), { username: '\uFEFFalice', password: 'b' }],
    ['an emoji', standard('alice:🔑'), { username: 'alice', password: '🔑' }]
  ]
  for (const [name, token, expected] of cases) {
    const credential = parseCredential(token)
    t.same(credential.passwordCredential, expected, name)
    t.equal(credential.token, token, 'the token stays as it came')
  }
  t.match(standard('bób:??>>~~ÿÿ'), /[+/]/, 'the alphabets differ in this fixture')
})

test('the digest is that of the token, and of no other', async t => {
  t.equal(parseCredential('abc').digest, digestToken('abc'))
  const { digest } = parseCredential(standard('alice:wonderland'))
  t.equal(parseCredential(standard('alice:wonderland')).digest, digest)
  const tokens = ['\uFFFD', '\uD800', '\uD801', '\uDC00\uD800', '\uFEFF\uD800', '\uFEFF\uFFFD', '\\ud800', '']
  t.equal(new Set(tokens.map(token => parseCredential(token).digest)).size, tokens.length, 'also if they are no text')
})

test('no password', async (t) => {
  const cases: Array<[string, string]> = [
    ['nothing', ''],
    ['an opaque token', 'k3s-9f2c.71e0'],
    ['base64 without a colon', standard('alice')],
    ['an empty username', standard(':wonderland')],
    ['an empty password', standard('alice:')],
    ['an empty password and a newline', standard('alice:\n')],
    ['mixed alphabets', '+-' + standard('alice:wonderland')],
    ['a space', 'YWxp Y2U6Yg=='],
    ['too much padding', 'YTpi=='],
    ['too little padding', 'YTpiYw='],
    ['padding alone', '=='],
    ['one digit over', standard('a:b') + 'Y'],
    ['leftover bits that are not zero: one password would have several tokens', 'YTpiYR=='],
    ['not UTF-8', standard(Uint8Array.of(0x61, 0x3A, 0xFF))],
    ['an overlong encoding of a colon', standard(Uint8Array.of(0x61, 0xC0, 0xBA, 0x62))],
    ['a surrogate', standard(Uint8Array.of(0x61, 0x3A, 0xED, 0xA0, 0x80))],
    ['a NUL', standard('alice\0:wonderland')],
    ['a newline in the name', standard('ali\nce:wonderland')],
    ['an escape in the password', standard('alice:\u001B[31m')],
    ['a C1 control', standard('alice:\u0085x')],
    ['two newlines inside', standard('alice:wonderland\n\n')],
    ['two newlines after', standard('alice:wonderland') + '\n\n']
  ]
  for (const [name, token] of cases) t.equal(parseCredential(token).passwordCredential, undefined, name)
})

test('no digit may be over', async (t) => {
  for (const digit of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/') t.equal(parseCredential(standard('a:b') + digit).passwordCredential, undefined, digit)
})

test('a password is taken apart once', async (t) => {
  const credential = parseCredential(standard('alice:wonderland'))
  t.equal(credential.passwordCredential, credential.passwordCredential)
})

test('a password that no token can carry', async (t) => {
  const cases: Array<[string, { username: string, password: string }, RegExp]> = [
    ['no name', { username: '', password: 'canary' }, /^the username is empty/],
    ['a name with a colon', { username: 'a:b', password: 'canary' }, /colon/],
    ['a name with a line break', { username: 'a\nb', password: 'canary' }, /^the username contains a control character/],
    ['no password', { username: 'alice', password: '' }, /^the password is empty/],
    ['a password with a tab', { username: 'alice', password: 'canary\t' }, /^the password contains a control character/],
    ['half a surrogate pair in a name', { username: 'a\ud800', password: 'canary' }, /not Unicode/],
    ['half a surrogate pair in a password', { username: 'alice', password: 'canary\udc00' }, /not Unicode/]
  ]
  for (const [name, given, message] of cases) {
    t.throws(() => passwordToken(given), { message }, name)
    t.throws(() => passwordToken(given), { message: /^(?!.*canary)/ }, 'without the password')
  }
})

test('a JWT', async (t) => {
  const header = url('{"alg":"RS256"}')
  const claims = url('{"sub":"alice"}')
  const cases: Array<[string, string, boolean]> = [
    ['header, claims, signature', `${header}.${claims}.c2ln`, true],
    ['an empty signature', `${header}.${claims}.`, true],
    ['two parts', `${header}.${claims}`, false],
    ['four parts', `${header}.${claims}.c2ln.x`, false],
    ['no claims', `${header}..c2ln`, false],
    ['a header that is no object', `${url('"alg"')}.${claims}.c2ln`, false],
    ['padding', `${header}=.${claims}.c2ln`, false],
    ['a newline', `${header}.${claims}.c2ln\n`, false],
    ['a password', standard('alice:wonderland'), false]
  ]
  for (const [name, token, expected] of cases) {
    const credential = parseCredential(token)
    t.equal(credential.jwt, expected, name)
    if (expected) t.equal(credential.passwordCredential, undefined, 'and never a password')
  }
})

test('a token of 64 KiB is read in time that nobody notices', async (t) => {
  for (const filler of ['A', 'eyJ.', 'eyJ', 'a.', '=', 'A=', 'a:', '\n', '\r\n']) {
    for (const end of ['', '!', '=', '\n']) {
      const credential = parseCredential(filler.repeat(65_536 / filler.length) + end)
      // of this process alone: a busy machine does not count
      const before = process.cpuUsage()
      t.equal(credential.jwt, false)
      t.equal(credential.passwordCredential, undefined)
      const { user, system } = process.cpuUsage(before)
      t.ok(user + system < 1_000_000, `${JSON.stringify(filler)} … ${JSON.stringify(end)}: ${user + system} µs`)
    }
  }
})

// fast-check's graphemes hold no control characters; half a surrogate pair has no UTF-8
const half = fc.string({ unit: fc.oneof({ weight: 4, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }) }, { weight: 1, arbitrary: fc.constantFrom(' ', '+', '/', '=', '?', '~', 'ÿ') }), minLength: 1, maxLength: 12 })
const password = fc.record({ username: half.filter(name => !name.includes(':')), password: fc.oneof(half, half.map(text => `:${text}:`)) })

test('every password comes back out of its token, however that is written', async (t) => {
  const spelling = fc.record({ url: fc.boolean(), padded: fc.boolean(), end: fc.constantFrom('', '\n', '\r\n'), inner: fc.constantFrom('', '\n', '\r\n') })
  holds(t, fc.property(password, spelling, (given, { url: isUrl, padded, end, inner }) => {
    const plain = standard(`${given.username}:${given.password}${inner}`)
    const alphabet = isUrl ? plain.replaceAll('+', '-').replaceAll('/', '_') : plain
    const token = (padded ? alphabet : bare(alphabet)) + end
    const { passwordCredential } = parseCredential(token)
    return (inner !== '' || passwordToken(given) === plain) && passwordCredential?.username === given.username && passwordCredential.password === given.password
  }))
})

test('a token that reads as a password is base64 of it, and of nothing else', async (t) => {
  // one character of a good token is another one, is missing, or is there twice
  const near = fc.tuple(password, fc.nat(), fc.constantFrom('A', 'B', '+', '-', '/', '_', '=', '==', '.', ' ', '\n', '', 'é')).map(([given, at, other]) => {
    const token = passwordToken(given)
    const index = at % token.length
    return token.slice(0, index) + other + token.slice(index + at % 2)
  })
  holds(t, fc.property(fc.oneof(near, fc.base64String(), fc.string()), token => {
    const { passwordCredential } = parseCredential(token)
    if (passwordCredential === undefined) return true
    const { username, password } = passwordCredential
    const written = bare(token.replace(/\r?\n$/, '').replaceAll('-', '+').replaceAll('_', '/'))
    return username !== '' && password !== '' && !username.includes(':') && !/\p{Cc}/u.test(username + password) &&
      ['', '\n', '\r\n'].some(end => bare(standard(`${username}:${password}${end}`)) === written)
  }), 2000)
})
