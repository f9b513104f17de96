/** Which keys of a JWKS verify which tokens. */
import { equal } from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT, jwtVerify, type JWK } from 'jose'
import { test } from 'tap'
import { KeySet, MAX_KEYS } from '../../../../../plugins/providers/jwt/keys/key-set.js'
import { makeJWK } from '../../../../fixtures/scripted-issuer.js'

const rsa = await makeJWK('RS256')
const p256 = await makeJWK('ES256')
const p384 = await makeJWK('ES384')
const p521 = await makeJWK('ES512')
const ed25519 = await makeJWK('EdDSA')

const RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const ALL = [...RSA, 'ES256', 'ES384', 'ES512', 'EdDSA', 'none', 'HS256', 'Ed25519', 'RSA-OAEP', 'toString', '']

function rsaOf (bits: number): JWK {
  return generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ format: 'jwk' })
}

async function algorithmsOf (jwk: unknown): Promise<string[]> {
  const keys = await KeySet.parse({ keys: [jwk] })
  const found: string[] = []
  for (const alg of ALL) if ((await keys.find({ alg })).length > 0) found.push(alg)
  equal(found.length === 0, keys.size === 0)
  equal(keys.skipped, 1 - keys.size)
  return found
}

test('the algorithms that a key verifies', async t => {
  const cases: Array<[string, unknown, string[]]> = [
    ['RSA', rsa, RSA],
    ['RSA for one algorithm', { ...rsa, alg: 'PS384' }, ['PS384']],
    ['P-256', p256, ['ES256']],
    ['P-384', p384, ['ES384']],
    ['P-521', p521, ['ES512']],
    ['Ed25519', ed25519, ['EdDSA']],
    ['use: sig', { ...p256, use: 'sig' }, ['ES256']],
    ['key_ops with verify', { ...p256, key_ops: ['verify', 'sign'] }, ['ES256']],
    ['unknown members', { ...p256, x5c: ['AAAA'], x5u: 'https://attacker.example.com', 'example.com/owner': {}, ext: 'yes' }, ['ES256']],
    ['the longest that is allowed', { ...rsa, n: Buffer.alloc(2048, 0xff).toString('base64url') }, RSA],
    ['P-256 for the algorithm of another curve', { ...p256, alg: 'ES384' }, []],
    ['RSA for ES256', { ...rsa, alg: 'ES256' }, []],
    ['RSA for HMAC', { ...rsa, alg: 'HS256' }, []],
    ['RSA for encryption by its algorithm', { ...rsa, alg: 'RSA-OAEP' }, []],
    ['no algorithm', { ...rsa, alg: 'none' }, []],
    ['use: enc', { ...rsa, use: 'enc' }, []],
    ['key_ops without verify', { ...rsa, key_ops: ['encrypt'] }, []],
    ['key_ops that are no list', { ...rsa, key_ops: 'verify' }, []],
    ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0' }, []],
    ['a symmetric key beside a public one', { ...rsa, kty: 'oct', k: 'c2VjcmV0' }, []],
    ['an unknown type', { ...rsa, kty: 'AKP' }, []],
    ['the type in lower case', { ...rsa, kty: 'rsa' }, []],
    ['no type', { n: rsa.n, e: rsa.e }, []],
    ['a curve of Bitcoin', { ...p256, crv: 'secp256k1' }, []],
    ['a curve for key agreement', { ...ed25519, crv: 'X25519' }, []],
    ['Ed448', { ...ed25519, crv: 'Ed448' }, []],
    ['no curve', { kty: 'EC', x: p256.x, y: p256.y }, []],
    ['a point that is not on the curve', { ...p256, y: p256.x }, []],
    ['no y', { kty: 'EC', crv: 'P-256', x: p256.x }, []],
    ['1024 bits', rsaOf(1024), []],
    ['2047 bits', { ...rsa, n: Buffer.from([0x7f, ...Buffer.alloc(255, 0xff)]).toString('base64url') }, []],
    ['2048 bits behind zeros', { ...rsa, n: Buffer.from([0, 0, ...Buffer.alloc(256, 0xff)]).toString('base64url') }, RSA],
    ['1024 bits behind zeros', { ...rsa, n: Buffer.concat([Buffer.alloc(256), Buffer.alloc(128, 0xff)]).toString('base64url') }, []],
    ['16392 bits', { ...rsa, n: Buffer.alloc(2049, 0xff).toString('base64url') }, []],
    ['a modulus of 512 KiB', { ...rsa, n: 'A'.repeat(512 * 1024) }, []],
    ['exponent 1', { ...rsa, e: 'AQ' }, []],
    ['an even exponent', { ...rsa, e: 'Ag' }, []],
    ['exponent 3', { ...rsa, e: 'Aw' }, RSA],
    ['an exponent of 64 bits', { ...rsa, e: Buffer.alloc(8, 0xff).toString('base64url') }, []],
    ['a certificate without n and e', { kty: 'RSA', x5c: ['MIIB'] }, []],
    ['an empty modulus', { ...rsa, n: '' }, []],
    ['a modulus that is a number', { ...rsa, n: 5 }, []],
    ['a kid that is a number', { ...rsa, kid: 5 }, []],
    ['an algorithm that is a list', { ...rsa, alg: ['RS256'] }, []],
    ['null', null, []],
    ['text', 'RSA', []],
    ['a list', [rsa], []],
    ['nothing', {}, []]
  ]
  for (const [name, jwk, algorithms] of cases) t.same(await algorithmsOf(jwk), algorithms, name)
})

test('the keys for a token', async t => {
  const [a, b, c, nameless] = [{ ...rsa, kid: 'a' }, { ...p256, kid: 'b', alg: 'ES256' }, { ...await makeJWK('ES256'), kid: 'c' }, p384]
  const keys = await KeySet.parse({ keys: [a, b, c, nameless, { ...await makeJWK('RS256'), kid: 'a' }] })
  const cases: Array<[string, { alg: string, kid?: string }, Array<string | undefined>]> = [
    ['its kid', { alg: 'ES256', kid: 'b' }, ['b']],
    ['two keys of one kid', { alg: 'RS256', kid: 'a' }, ['a', 'a']],
    ['without a kid, each that fits', { alg: 'ES256' }, ['b', 'c']],
    ['without a kid, one that has none', { alg: 'ES384' }, [undefined]],
    ['a kid of another type of key', { alg: 'RS256', kid: 'b' }, []],
    ['an unknown kid', { alg: 'ES384', kid: 'd' }, []],
    ['an empty kid', { alg: 'ES384', kid: '' }, []],
    ['a kid in another case', { alg: 'ES256', kid: 'B' }, []],
    ['a kid that every object has', { alg: 'ES256', kid: '__proto__' }, []]
  ]
  for (const [name, header, kids] of cases) t.same((await keys.find(header)).map(({ kid }) => kid), kids, name)
  t.same((await keys.find({ alg: 'ES256' })).map(({ alg }) => alg), ['ES256', undefined])
  t.ok(keys.has('a'))
  t.notOk(keys.has('d'))
})

test('a found key verifies signatures of its algorithm, and cannot sign', async t => {
  for (const alg of ['RS256', 'RS512', 'PS256', 'PS384', 'ES256', 'ES512', 'EdDSA']) {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
    const keys = await KeySet.parse({ keys: [{ ...await exportJWK(publicKey), kid: 'k' }] })
    const [found] = await keys.find({ alg, kid: 'k' })
    const token = await new SignJWT({ sub: 'alice' }).setProtectedHeader({ alg, kid: 'k' }).sign(privateKey)
    t.equal((await jwtVerify(token, found!.key)).payload.sub, 'alice', alg)
    t.same([found!.key.type, found!.key.usages], ['public', ['verify']])
  }
})

test('of a private key, only the public part is used', async t => {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const keys = await KeySet.parse({ keys: [await exportJWK(privateKey)] })
  const [found] = await keys.find({ alg: 'RS256' })
  t.equal(found!.key.type, 'public')
  t.equal(keys.hasPrivate, true)
  t.equal((await KeySet.parse({ keys: [rsa] })).hasPrivate, false)
})

test('whether keys were removed', async t => {
  const set = async (...keys: JWK[]): Promise<KeySet> => await KeySet.parse({ keys })
  const before = await set({ ...rsa, kid: 'a' }, p256)
  t.equal(before.isWithin(await set(p256, { ...rsa, kid: 'a', use: 'sig' }, p384)), true)
  t.equal(before.isWithin(await set(p256)), false, 'a key less')
  t.equal(before.isWithin(await set(p256, { ...await makeJWK('RS256'), kid: 'a' })), false, 'another key of the same kid')
  t.equal(before.isWithin(await set(p256, { ...rsa, kid: 'b' })), false, 'another kid')
  t.equal(before.isWithin(await set(p256, { ...rsa, kid: 'a', alg: 'RS256' })), false, 'fewer algorithms')
})

test('what is not a JWKS', async t => {
  for (const document of [{}, { keys: {} }, { keys: null }, [], null, 'keys', rsa]) {
    await t.rejects(KeySet.parse(document), { message: 'is not a JWKS: it has no list "keys"' })
  }
  const keys = Array(MAX_KEYS).fill(ed25519)
  t.equal((await KeySet.parse({ keys })).size, MAX_KEYS)
  await t.rejects(KeySet.parse({ keys: [...keys, ed25519] }), { message: 'has more than 200 keys' })
  t.equal((await KeySet.parse({ keys: [] })).size, 0)
})
