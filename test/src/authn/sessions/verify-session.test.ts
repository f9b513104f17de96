/** Session tokens that must not be accepted: RFC 8725, and the known mistakes of JWT libraries. No directory and no other provider learns of them. */
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'tap'
import { subjectOf } from '../../../../src/authn/sessions/session-claims.js'
import { encode, makeKey, NOW, signedRaw, type Claims } from '../../../fixtures/jwt.js'
import { alice, bob } from '../../../fixtures/people.js'
import { CLIENT, KEY, LOGIN, NEXT_KEY, openSessions, sessionClaims, sessionToken } from '../../../fixtures/sessions.js'

const rsa = await makeKey('RS256', KEY.kid)
const stranger = await makeKey('ES256', KEY.kid)
const pem = KEY.publicKey.export({ type: 'spki', format: 'pem' }) as string
const der = KEY.publicKey.export({ type: 'spki', format: 'der' })

/** A payload that the sign-in service would sign. */
const good = (): string => JSON.stringify(sessionClaims())
const header = (fields: object = {}): string => JSON.stringify({ alg: 'ES256', kid: KEY.kid, typ: 'JWT', ...fields })
const parts = async (): Promise<[string, string, string]> => (await sessionToken()).split('.') as [string, string, string]
const withSignature = async (change: (signature: string) => string): Promise<string> => {
  const [head, payload, signature] = await parts()
  return [head, payload, change(signature)].join('.')
}

/** A text with one character of the alphabet changed to the next one. */
function altered (text: string, at: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const index = (at + text.length) % text.length
  return text.slice(0, index) + alphabet[(alphabet.indexOf(text[index]!) + 1) % 64]! + text.slice(index + 1)
}

type Attack = [what: string, token: () => string | Promise<string>, reason: string]

const attacks: Attack[] = [
  // altered in every part
  ...[2, 10, -1].map((at): Attack => [`a header altered at ${at}`, async () => { const [head, payload, signature] = await parts(); return `${altered(head, at)}.${payload}.${signature}` }, 'wrong-credential']),
  ['the payload of another user', async () => { const [head, , signature] = await parts(); return `${head}.${encode(sessionClaims({ sub: subjectOf('corp', bob.user.uid!) }))}.${signature}` }, 'wrong-credential'],
  ['a payload with a later end', async () => { const [head, , signature] = await parts(); return `${head}.${encode(sessionClaims({ exp: NOW() + 360_000 }))}.${signature}` }, 'wrong-credential'],
  ...[0, 20, 60, 84].map((at): Attack => [`a signature altered at ${at}`, async () => await withSignature(signature => altered(signature, at)), 'wrong-credential']),
  ['another encoding of the signature', async () => await withSignature(signature => altered(signature, -1)), 'wrong-credential'],
  ['a signature with padding', async () => await withSignature(signature => `${signature}==`), 'wrong-credential'],
  ['a signature with white space', async () => await withSignature(signature => `${signature}\n`), 'wrong-credential'],
  ['a signature of zeros', async () => await withSignature(() => encode(Buffer.alloc(64))), 'wrong-credential'],
  ['no signature', async () => await withSignature(() => ''), 'wrong-credential'],
  ['a header with white space', async () => ` ${await sessionToken()}`, 'wrong-credential'],
  // algorithms
  ...['none', 'None', 'NONE', 'nOnE', ''].flatMap((alg): Attack[] => [
    [`"alg": "${alg}" without a signature`, () => `${encode(header({ alg }))}.${encode(good())}.`, 'wrong-credential'],
    [`"alg": "${alg}" with a signature`, async () => { const [, payload, signature] = await parts(); return `${encode(header({ alg }))}.${payload}.${signature}` }, 'wrong-credential']
  ]),
  ['HS256 with the public key as PEM', () => signedRaw(header({ alg: 'HS256' }), good(), { secret: pem }), 'wrong-credential'],
  ['HS256 with the public key as DER', () => signedRaw(header({ alg: 'HS256' }), good(), { secret: der }), 'wrong-credential'],
  ['HS256 with an empty secret', () => signedRaw(header({ alg: 'HS256' }), good(), { secret: '' }), 'wrong-credential'],
  ['RS256', () => signedRaw(header({ alg: 'RS256' }), good(), rsa), 'wrong-credential'],
  ['RS256 that is called ES256', () => signedRaw(header(), good(), rsa), 'wrong-credential'],
  ['ES384', async () => { const key = await makeKey('ES384', KEY.kid); return signedRaw(header({ alg: 'ES384' }), good(), { ...key, hash: 'sha384' }) }, 'wrong-credential'],
  ['no "alg"', () => signedRaw(header({ alg: undefined }), good(), KEY), 'wrong-credential'],
  ['"alg" is a list', () => signedRaw(header({ alg: ['ES256'] }), good(), KEY), 'wrong-credential'],
  // keys
  ['a key of a stranger under the right "kid"', async () => await sessionToken({}, {}, stranger), 'wrong-credential'],
  ['another "kid"', async () => await sessionToken({}, { kid: 'other' }), 'unknown-key'],
  ['a key that is not configured', async () => await sessionToken({}, {}, NEXT_KEY), 'unknown-key'],
  ...['', '__proto__', 'KEY-1', 'key-1 ', '../../dev/null', 'a'.repeat(4_000)].map((kid): Attack => [`"kid" is ${JSON.stringify(kid.slice(0, 30))}`, async () => await sessionToken({}, { kid }, stranger), 'unknown-key']),
  ['no "kid"', () => signedRaw(header({ kid: undefined }), good(), KEY), 'wrong-credential'],
  ...[null, 1, {}, [KEY.kid]].map((kid): Attack => [`"kid" is ${JSON.stringify(kid)}`, () => signedRaw(header({ kid }), good(), KEY), 'wrong-credential']),
  ['"jwk" in the header', async () => await sessionToken({}, { jwk: stranger.jwk }, stranger), 'wrong-credential'],
  ['"jwk" in the header, without "kid"', async () => await sessionToken({}, { jwk: stranger.jwk, kid: undefined }, stranger), 'wrong-credential'],
  ['"jku" in the header', async () => await sessionToken({}, { jku: 'https://127.0.0.1:1/jwks.json' }, stranger), 'wrong-credential'],
  ['"x5u" in the header', async () => await sessionToken({}, { x5u: 'https://127.0.0.1:1/chain.pem' }, stranger), 'wrong-credential'],
  ['"x5c" in the header', async () => await sessionToken({}, { x5c: [encode('certificate')] }, stranger), 'wrong-credential'],
  ['"crit" with an unknown extension', () => signedRaw(header({ crit: ['exp'], exp: NOW() }), good(), KEY), 'wrong-credential'],
  ['"crit" with "b64"', () => signedRaw(header({ crit: ['b64'], b64: true }), good(), KEY), 'wrong-credential'],
  ['"crit" is empty', () => signedRaw(header({ crit: [] }), good(), KEY), 'wrong-credential'],
  ['another kind of token of the same key', async () => await sessionToken({}, { typ: 'logout+jwt' }), 'wrong-credential'],
  // two meanings
  ...['sub', 'iss', 'idp', 'exp', 'jti', 'preferred_username'].map((name): Attack => [`a duplicate "${name}"`, () => signedRaw(header(), good().replace('{', `{"${name}":"admin",`), KEY), 'wrong-credential']),
  ['a duplicate "sub", escaped', () => signedRaw(header(), good().replace('{', '{"s\\u0075b":"corp:1",'), KEY), 'wrong-credential'],
  ['a duplicate "alg"', () => signedRaw(header().replace('{', '{"alg":"none",'), good(), KEY), 'wrong-credential'],
  ['deep nesting', () => signedRaw(header(), good().replace('{', `{"deep":${'['.repeat(500)}${']'.repeat(500)},`), KEY), 'wrong-credential'],
  ['a payload that is not UTF-8', () => `${encode(header())}.${Buffer.concat([Buffer.from(good().slice(0, -1)), Buffer.from(',"x":"\xff"}', 'latin1')]).toString('base64url')}.${encode(Buffer.alloc(64))}`, 'wrong-credential'],
  ['a header that is a string', () => signedRaw('"ES256"', good(), KEY), 'wrong-credential']
]

const claims: Array<[what: string, claims: Claims, reason: string]> = [
  ['the token of another client', { aud: 'staging' }, 'audience'],
  ['"aud" with a prefix of the client ID', { aud: CLIENT.slice(0, -1) }, 'audience'],
  ['"aud" in capitals', { aud: CLIENT.toUpperCase() }, 'audience'],
  ['"aud" that is a list', { aud: [CLIENT] }, 'audience'],
  ['"aud" of two clients', { aud: ['staging', CLIENT] }, 'audience'],
  ['an empty "aud"', { aud: [] }, 'audience'],
  ['no "aud"', { aud: undefined }, 'audience'],
  ['"exp" in the past', { exp: NOW() - 3600 }, 'expired'],
  ['"exp" a moment ago: no tolerance', { exp: NOW() - 1 }, 'expired'],
  ['"exp" that is 0', { exp: 0 }, 'expired'],
  ['no "exp"', { exp: undefined }, 'wrong-credential'],
  ['"exp" that is a string', { exp: String(NOW() + 3600) }, 'wrong-credential'],
  ['"exp" that is null', { exp: null }, 'wrong-credential'],
  ['"exp" beyond every date', { exp: 1e300 }, 'wrong-credential'],
  ['no "iat"', { iat: undefined }, 'wrong-credential'],
  ['"iat" that is a string', { iat: String(NOW()) }, 'wrong-credential'],
  ['"iat" in the future', { iat: NOW() + 60 }, 'wrong-credential'],
  ['"nbf" in the future', { nbf: NOW() + 60 }, 'wrong-credential'],
  ['no "jti"', { jti: undefined }, 'wrong-credential'],
  ['an empty "jti"', { jti: '' }, 'wrong-credential'],
  ['"jti" that is a number', { jti: 1 }, 'wrong-credential'],
  ['no username', { preferred_username: undefined }, 'wrong-credential'],
  ['an empty username', { preferred_username: '' }, 'wrong-credential'],
  ['"pwv" that is a number', { pwv: 1 }, 'wrong-credential'],
  ['no "sub"', { sub: undefined }, 'wrong-credential'],
  ['an empty "sub"', { sub: '' }, 'wrong-credential'],
  ['"sub" that is a number', { sub: 1001 }, 'wrong-credential'],
  ['"sub" without a provider', { sub: '1001' }, 'wrong-credential'],
  ['"sub" without a uid', { sub: 'corp:' }, 'wrong-credential'],
  ['"sub" in another spelling', { sub: 'corp:%31001' }, 'wrong-credential'],
  ['"sub" of another provider than "idp"', { sub: subjectOf('first', alice.user.uid!) }, 'wrong-credential']
]

test('a token that the sign-in service did not issue is denied, without asking any provider', async t => {
  const { review, queries, seen, events, open } = await openSessions(t)
  t.match(await review(await sessionToken()), { outcome: 'authenticated', username: 'corp:alice' }, 'the one that all others are made of')
  queries.length = 0
  events.length = 0
  for (const [what, token, reason] of [...attacks, ...claims.map(([what, claims, reason]): Attack => [what, async () => await sessionToken(claims), reason])]) {
    const presented = await token()
    t.match(await review(presented), { outcome: 'denied', provider: 'corp', reason, status: { authenticated: false, error: undefined } }, what)
    t.match(await review(presented), { outcome: 'denied', reason }, `${what}, again`)
  }
  t.strictSame([queries, seen, events], [[], [], []])
  t.equal(open[1]!.resilience.state, 'closed')
})

const foreign: Array<[what: string, token: () => string | Promise<string>]> = [
  ['"iss" with a slash at its end', async () => await sessionToken({ iss: `${LOGIN}/` })],
  ['"iss" in capitals', async () => await sessionToken({ iss: LOGIN.toUpperCase() })],
  ['"iss" with a look-alike', async () => await sessionToken({ iss: LOGIN.replace('o', '\u043e') })],
  ['"iss" that is a list', async () => await sessionToken({ iss: [LOGIN] })],
  ['no "iss"', async () => await sessionToken({ iss: undefined })],
  ['a payload that is a list', () => signedRaw(header(), JSON.stringify([sessionClaims()]), KEY)],
  ['four parts', async () => `${await sessionToken()}.${encode('more')}`],
  ['two parts', async () => (await sessionToken()).split('.').slice(0, 2).join('.')],
  ['an opaque token', () => alice.token],
  ['only dots', () => '.'.repeat(1_000)]
]

test('a token that is none of our issuer is left to the chain', async t => {
  for (const [what, token] of foreign) {
    const { review, seen, queries } = await openSessions(t)
    const presented = await token()
    t.match(await review(presented), { outcome: 'denied', provider: undefined, reason: 'unknown' }, what)
    t.strictSame(seen.slice(0, 3), [presented, presented, presented], 'every provider is asked')
    t.strictSame(queries, [])
  }
})

test('the clock of the sign-in service may be a few seconds ahead, which extends no life', async t => {
  const { review, clock } = await openSessions(t)
  clock.now = NOW() * 1000
  for (const [what, claims, expected] of [
    ['"iat" is 4 seconds ahead', { iat: NOW() + 4 }, { outcome: 'authenticated' }],
    ['"iat" is 7 seconds ahead', { iat: NOW() + 7 }, { reason: 'wrong-credential' }],
    ['"nbf" is 4 seconds ahead', { nbf: NOW() + 4 }, { outcome: 'authenticated' }],
    ['"nbf" is 7 seconds ahead', { nbf: NOW() + 7 }, { reason: 'wrong-credential' }]
  ] as const) t.match(await review(await sessionToken({ ...claims, jti: what })), expected, what)

  const token = await sessionToken({ exp: NOW() + 100 })
  const end = NOW() * 1000 + 100_000
  clock.now = end - 1
  t.match(await review(token), { outcome: 'authenticated' }, 'until its last moment')
  clock.now = end
  t.match(await review(token), { outcome: 'denied', reason: 'expired', username: 'corp:alice' }, 'and not longer, although it was verified')
  t.match(await review(await sessionToken({ exp: end / 1000, jti: 'other' })), { reason: 'expired', username: 'corp:alice' }, 'nor one that comes for the first time')
})

test('a genuine token that is denied tells whose it is, and a forged one does not', async t => {
  const { review, logged } = await openSessions(t)
  for (const [what, token, username] of [
    ['expired', await sessionToken({ exp: NOW() - 1 }), 'corp:alice'],
    ['of another client', await sessionToken({ aud: 'staging' }), 'corp:alice'],
    ['forged', await sessionToken({}, {}, stranger), undefined],
    ['of an unknown key', await sessionToken({}, {}, NEXT_KEY), undefined]
  ] as const) t.equal((await review(token)).username, username, what)
  t.strictSame(logged, Array(4).fill('denied a session token'))
})

test('a key that has another curve is not for ES256', async t => {
  const { review, keys } = await openSessions(t)
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  keys.replace({ ...KEY, publicKey, privateKey })
  t.match(await review(await sessionToken()), { status: { authenticated: false } })
})
