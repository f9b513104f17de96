/** JWTs as they are presented: which are read, and which could be read in two ways. */
import { test } from 'tap'
import { claimsOf, issuerOf, readJwt } from '../../../../src/authn/jwt/presented-jwt.js'
import { encode } from '../../../fixtures/jwt.js'

const HEADER = encode({ alg: 'ES256' })
const SIGNATURE = encode('signature')
const token = (payload: string | Buffer, header = HEADER, signature = SIGNATURE): string => `${header}.${encode(payload)}.${signature}`
const ISSUER = 'https://sso.example.test'
const PAYLOAD = JSON.stringify({ iss: ISSUER, groups: ['developers'] })

test('a JWT is read', async t => {
  const jwt = token(PAYLOAD)
  t.strictSame(readJwt(jwt), { header: { alg: 'ES256' }, claims: { iss: ISSUER, groups: ['developers'] } })
  t.strictSame(claimsOf(jwt), { iss: ISSUER, groups: ['developers'] })
  t.equal(issuerOf(jwt), ISSUER)
})

test('routing is lenient, reading is strict', async t => {
  for (const [what, jwt] of [
    ['a duplicate name', token(PAYLOAD.replace('{', '{"iss":"https://other.example.test",'))],
    ['a duplicate name in the header', token(PAYLOAD, encode('{"alg":"none","alg":"ES256"}'))],
    ['another encoding of the signature', `${token(PAYLOAD)}=`],
    ['white space after it', `${token(PAYLOAD)}\n`],
    ['an empty signature', token(PAYLOAD, HEADER, '')],
    ['a header that is no object', token(PAYLOAD, encode('[]'))],
    ['bytes that are not UTF-8', token(Buffer.from(PAYLOAD.replace('developers', 'd\xff'), 'latin1'))],
    ['33 levels', token(PAYLOAD.replace('{', `{"deep":${'['.repeat(32)}${']'.repeat(32)},`))]
  ] as const) {
    t.equal(readJwt(jwt), undefined, what)
    t.equal(issuerOf(jwt), ISSUER, `${what}, routed`)
  }
})

test('what is no JWT has no claims', async t => {
  for (const [what, text] of [
    ['nothing', ''], ['only dots', '..'], ['two parts', token(PAYLOAD).split('.').slice(0, 2).join('.')], ['four parts', `${token(PAYLOAD)}.more`],
    ['no header', `.${encode(PAYLOAD)}.${SIGNATURE}`], ['a list', token('[]')], ['a string', token('"iss"')], ['null', token('null')], ['no JSON', token('{')]
  ] as const) {
    t.equal(claimsOf(text), undefined, what)
    t.equal(issuerOf(text), undefined, what)
    t.equal(readJwt(text), undefined, what)
  }
})

test('an issuer is a string of its own', async t => {
  for (const payload of ['{}', '{"iss":null}', '{"iss":["a"]}', '{"__proto__":{"iss":"a"}}']) t.equal(issuerOf(token(payload)), undefined, payload)
})
