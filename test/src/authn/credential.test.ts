import { test } from 'tap'
import { parseCredential } from '../../../src/authn/credential.js'

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
  const started = performance.now()
  for (const filler of ['A', 'eyJ.', '=', 'a:']) parseCredential(filler.repeat(65_536 / filler.length) + '!')
  t.ok(performance.now() - started < 5000)
})
