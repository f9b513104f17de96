/** Tokens that must not be accepted: RFC 8725, and the known mistakes of JWT libraries. */
import { generateKeyPairSync } from 'node:crypto'
import { EncryptJWT, SignJWT, generateSecret } from 'jose'
import { test } from 'tap'
import { AUDIENCE, ISSUER, NOW, type Claims, claimsOf, encode, issuerWith, makeKey, openJwt, signed, signedRaw } from '../../../fixtures/jwt.js'
import { outcome } from '../../../fixtures/ldap.js'

const ec = await makeKey('ES256', 'ec')
const rsa = await makeKey('RS256', 'rsa')
const weak = await makeKey('RS256', 'weak', 1024)
const stranger = await makeKey('ES256', 'ec')
const pem = (key: typeof rsa): string => key.publicKey.export({ type: 'spki', format: 'pem' }) as string

/** A payload that alice's issuer would sign. */
const good = (): string => JSON.stringify(claimsOf())
const header = (fields: object = {}): string => JSON.stringify({ alg: 'ES256', kid: 'ec', ...fields })
const withSignature = async (change: (signature: string) => string): Promise<string> => {
  const [head, payload, signature = ''] = (await signed(ec)).split('.')
  return [head, payload, change(signature)].join('.')
}

/** A signature without its own encoding being the only one. */
function otherEncoding (signature: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return signature.slice(0, -1) + alphabet[alphabet.indexOf(signature.at(-1)!) + 1]!
}

const attacks: Array<[what: string, token: () => string | Promise<string>, expected: string]> = [
  // algorithms
  ...['none', 'None', 'NONE', 'nOnE'].flatMap((alg): typeof attacks => [
    [`"alg": "${alg}" without a signature`, () => `${encode(header({ alg }))}.${encode(good())}.`, 'wrong-credential'],
    [`"alg": "${alg}" with a signature`, async () => { const [, payload, signature] = (await signed(ec)).split('.'); return `${encode(header({ alg }))}.${payload}.${signature}` }, 'wrong-credential']
  ]),
  ['no "alg"', () => `${encode({ kid: 'ec' })}.${encode(good())}.${encode('signature')}`, 'wrong-credential'],
  ['"alg" is a list', () => signedRaw(header({ alg: ['ES256'] }), good(), ec), 'wrong-credential'],
  ...(['HS256', 'HS384', 'HS512'] as const).flatMap((alg): typeof attacks => [
    [`${alg} with the public key as PEM`, () => signedRaw(header({ alg, kid: 'rsa' }), good(), { secret: pem(rsa), hash: `sha${alg.slice(2)}` }), 'wrong-credential'],
    [`${alg} with the public key as DER`, () => signedRaw(header({ alg, kid: 'rsa' }), good(), { secret: rsa.publicKey.export({ type: 'spki', format: 'der' }), hash: `sha${alg.slice(2)}` }), 'wrong-credential'],
    [`${alg} with an empty secret`, () => signedRaw(header({ alg }), good(), { secret: '', hash: `sha${alg.slice(2)}` }), 'wrong-credential']
  ]),
  ['the algorithm of another key', () => signedRaw(header({ alg: 'RS256', kid: 'ec' }), good(), rsa), 'wrong-credential'],
  ['an RSA key of 1024 bits', () => signedRaw(header({ alg: 'RS256', kid: 'weak' }), good(), weak), 'wrong-credential'],
  // keys
  ['a key of a stranger under the right "kid"', async () => await signed(stranger), 'wrong-credential'],
  ['an unknown "kid"', async () => await signed(ec, {}, { kid: 'other' }), 'wrong-credential'],
  ['"jwk" in the header', async () => await signed(stranger, {}, { jwk: stranger.jwk }), 'wrong-credential'],
  ['"jwk" in the header, without "kid"', async () => await signed(stranger, {}, { jwk: stranger.jwk, kid: undefined }), 'wrong-credential'],
  ['"jku" in the header', async () => await signed(stranger, {}, { jku: 'https://127.0.0.1:1/jwks.json' }), 'wrong-credential'],
  ['"x5u" in the header', async () => await signed(stranger, {}, { x5u: 'https://127.0.0.1:1/chain.pem' }), 'wrong-credential'],
  ['"x5c" in the header', async () => await signed(stranger, {}, { x5c: [encode('certificate')] }), 'wrong-credential'],
  ...['../../dev/null', "' OR 1=1 --", 'https://127.0.0.1:1/key', 'a'.repeat(8_000), '\u0000', '__proto__', 'ec ', 'EC'].map((kid): typeof attacks[number] =>
    [`"kid" is ${JSON.stringify(kid.slice(0, 30))}`, async () => await signed(stranger, {}, { kid }), 'wrong-credential']),
  ...[null, 1, {}, ['ec']].map((kid): typeof attacks[number] => [`"kid" is ${JSON.stringify(kid)}`, () => signedRaw(header({ kid }), good(), ec), 'wrong-credential']),
  ['"crit" with an unknown extension', () => signedRaw(header({ crit: ['exp'], exp: NOW() }), good(), ec), 'wrong-credential'],
  ['"crit" with "b64"', () => signedRaw(header({ crit: ['b64'], b64: true }), good(), ec), 'wrong-credential'],
  ['"crit" is empty', () => signedRaw(header({ crit: [] }), good(), ec), 'wrong-credential'],
  // signatures
  ['no signature', async () => await withSignature(() => ''), 'wrong-credential'],
  ['half a signature', async () => await withSignature(signature => signature.slice(0, 40)), 'wrong-credential'],
  ['a signature of zeros', async () => await withSignature(() => encode(Buffer.alloc(64))), 'wrong-credential'],
  ['another encoding of the signature', async () => await withSignature(otherEncoding), 'wrong-credential'],
  ['a signature with padding', async () => await withSignature(signature => `${signature}==`), 'wrong-credential'],
  ['a signature in the standard alphabet', async () => await withSignature(signature => `${signature.slice(0, -1)}/`), 'wrong-credential'],
  ['a signature with white space', async () => await withSignature(signature => `${signature}\n`), 'wrong-credential'],
  ['a signature in DER', async () => await withSignature(() => encode(Buffer.concat([Buffer.from([0x30, 0x44, 2, 0x20]), Buffer.alloc(32, 1), Buffer.from([2, 0x20]), Buffer.alloc(32, 1)]))), 'wrong-credential'],
  ['the payload of another token', async () => { const [head, , signature] = (await signed(ec)).split('.'); return `${head}.${encode(claimsOf({ sub: 'admin' }))}.${signature}` }, 'wrong-credential'],
  // duplicate names, which parsers read differently
  ['a duplicate "sub"', () => signedRaw(header(), good().replace('{', '{"sub":"admin",'), ec), 'wrong-credential'],
  ['a duplicate "sub", escaped', () => signedRaw(header(), good().replace('{', '{"s\\u0075b":"admin",'), ec), 'wrong-credential'],
  ['a duplicate "iss"', () => signedRaw(header(), good().replace('{', '{"iss":"https://other.example.test",'), ec), 'wrong-credential'],
  ['a duplicate name below a claim', () => signedRaw(header(), good().replace('{', '{"a":{"b":1,"b":2},'), ec), 'wrong-credential'],
  ['a duplicate "alg"', () => signedRaw(header().replace('{', '{"alg":"none",'), good(), ec), 'wrong-credential'],
  // structure
  ['a payload that is a list', () => signedRaw(header(), JSON.stringify([claimsOf()]), ec), 'nobody'],
  ['a payload that is not UTF-8', () => `${encode(header())}.${Buffer.concat([Buffer.from(good().slice(0, -1)), Buffer.from(',"x":"\xff"}', 'latin1')]).toString('base64url')}.${encode(Buffer.alloc(64))}`, 'wrong-credential'],
  ['a header that is a string', () => signedRaw('"ES256"', good(), ec), 'wrong-credential'],
  ['a byte order mark', () => signedRaw(header(), `\ufeff${good()}`, ec), 'nobody'],
  ['deep nesting', () => signedRaw(header(), good().replace('{', `{"deep":${'['.repeat(2_000)}${']'.repeat(2_000)},`), ec), 'wrong-credential'],
  ['nesting that is not JSON', () => signedRaw(header(), '['.repeat(5_000), ec), 'nobody'],
  ['four parts', async () => `${await signed(ec)}.${encode('more')}`, 'nobody'],
  ['two parts', async () => (await signed(ec)).split('.').slice(0, 2).join('.'), 'nobody'],
  ['empty parts', () => '..', 'nobody'],
  ['only dots', () => '.'.repeat(10_000), 'nobody'],
  ['an encrypted token', async () => await new EncryptJWT(claimsOf()).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' }).encrypt(await generateSecret('A256GCM')), 'nobody'],
  ['a token within a token', async () => signedRaw(header({ cty: 'JWT' }), await signed(ec), ec), 'nobody'],
  ['padding of the payload', async () => { const [head, payload, signature] = (await signed(ec, { pad: 'x' })).split('.'); return `${head}.${payload}=.${signature}` }, 'wrong-credential']
]

const claims: Array<[what: string, claims: Claims, expected: string]> = [
  ['"iss" with a slash at its end', { iss: `${ISSUER}/` }, 'nobody'],
  ['"iss" in capitals', { iss: ISSUER.toUpperCase() }, 'nobody'],
  ['"iss" with a look-alike', { iss: ISSUER.replace('o', '\u043e') }, 'nobody'],
  ['"iss" that is a list', { iss: [ISSUER] }, 'nobody'],
  ['no "iss"', { iss: undefined }, 'nobody'],
  ['no "aud"', { aud: undefined }, 'audience'],
  ['another "aud"', { aud: 'other' }, 'audience'],
  ['"aud" with a prefix of ours', { aud: AUDIENCE.slice(0, -1) }, 'audience'],
  ['"aud" in capitals', { aud: AUDIENCE.toUpperCase() }, 'audience'],
  ['"aud" that is an object', { aud: { [AUDIENCE]: true } }, 'audience'],
  ['"aud" with something that is no string', { aud: [AUDIENCE, 1] }, 'audience'],
  ['an empty "aud"', { aud: [] }, 'audience'],
  ['no "sub"', { sub: undefined }, 'wrong-credential'],
  ['an empty "sub"', { sub: '' }, 'wrong-credential'],
  ['"sub" that is a number', { sub: 1001 }, 'wrong-credential'],
  ['no "exp"', { exp: undefined }, 'wrong-credential'],
  ['"exp" that is a string', { exp: String(NOW() + 3600) }, 'wrong-credential'],
  ['"exp" that is null', { exp: null }, 'wrong-credential'],
  ['"exp" beyond every date', { exp: 1e300 }, 'wrong-credential'],
  ['"exp" in the past', { exp: NOW() - 3600 }, 'expired'],
  ['a negative "exp"', { exp: -1 }, 'expired'],
  ['"nbf" in the future', { nbf: NOW() + 3600 }, 'wrong-credential'],
  ['"nbf" that is a string', { nbf: '0' }, 'wrong-credential'],
  ['"iat" in the future', { iat: NOW() + 3600 }, 'wrong-credential'],
  ['"iat" that is a string', { iat: 'now' }, 'wrong-credential'],
  ['"jti" that is a number', { jti: 7 }, 'wrong-credential']
]

const accepted: Array<[what: string, claims: Claims]> = [
  ['a plain token', {}],
  ['several audiences, one of them ours', { aud: ['other', AUDIENCE] }],
  ['fractions of a second in "exp"', { exp: NOW() + 3600.5 }],
  ['10,000 groups', { groups: Array.from({ length: 10_000 }, (_, i) => `g${i}`) }],
  ['a claim of 16 KiB', { bulk: 'x'.repeat(16_384) }],
  ['claims named like members of objects', { constructor: 'x', toString: 'y', hasOwnProperty: 1 }]
]

test('tokens that are not what they seem', async t => {
  const { ask } = await openJwt(t, { issuers: [issuerWith(t, [ec, rsa, weak])] })
  for (const [what, token, expected] of attacks) t.equal(outcome(await ask(await token())), expected, what)
})

test('claims that are not what they should be, correctly signed', async t => {
  const { ask } = await openJwt(t, { issuers: [issuerWith(t, [ec])] })
  for (const [what, fields, expected] of claims) t.equal(outcome(await ask(signedRaw(header(), JSON.stringify(claimsOf(fields)), ec))), expected, what)
  t.equal(outcome(await ask(signedRaw(header(), good().replace(/"exp":\d+/, '"exp":1e999'), ec))), 'wrong-credential', '"exp" is infinite')
})

test('odd tokens that are valid', async t => {
  const { ask } = await openJwt(t, { issuers: [issuerWith(t, [ec])] })
  for (const [what, fields] of accepted) t.equal(outcome(await ask(await signed(ec, fields))), 'alice', what)
  t.equal(outcome(await ask(signedRaw(header(), good().replace('{', '{"__proto__":{"groups":["admins"]},'), ec))), 'alice', 'a claim __proto__')
  t.equal(outcome(await ask(await signed(ec, {}, { typ: 'at+jwt' }))), 'alice', 'any "typ"')
})

test('every algorithm with a public key', async t => {
  for (const alg of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
    const key = await makeKey(alg, 'k')
    const { ask } = await openJwt(t, { issuers: [issuerWith(t, [key])] })
    t.equal(outcome(await ask(await signed(key))), 'alice', alg)
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const forged = await new SignJWT(claimsOf()).setProtectedHeader({ alg: 'ES256', kid: 'k' }).sign(privateKey)
    t.equal(outcome(await ask(forged)), 'wrong-credential', `a token of another key for ${alg}`)
  }
})
