/** What holds for every token. */
import fc from 'fast-check'
import { test } from 'tap'
import { issuerWith, makeKey, openJwt, signed } from '../../../fixtures/jwt.js'
import { outcome } from '../../../fixtures/ldap.js'
import { holdsAsync } from '../../../fixtures/property.js'

const key = await makeKey('ES256', 'ec')
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n'

/** A change of one to three characters: replaced, inserted, removed. */
const mutation = fc.array(fc.record({
  at: fc.nat(),
  how: fc.constantFrom('replace', 'insert', 'remove'),
  character: fc.constantFrom(...ALPHABET)
}), { minLength: 1, maxLength: 3 })

test('a mutated token is never authenticated', async t => {
  const { ask } = await openJwt(t, { issuers: [issuerWith(t, [key])] })
  const token = await signed(key)
  await holdsAsync(t, fc.asyncProperty(mutation, async changes => {
    let mutated = token
    for (const { at, how, character } of changes) {
      const index = at % mutated.length
      mutated = mutated.slice(0, index) + (how === 'remove' ? '' : character) + mutated.slice(how === 'insert' ? index : index + 1)
    }
    fc.pre(mutated !== token)
    return ['nobody', 'wrong-credential'].includes(outcome(await ask(mutated)))
  }), 2_000)
})

test('parts of different tokens are never authenticated', async t => {
  const { ask } = await openJwt(t, { issuers: [issuerWith(t, [key])] })
  const tokens = (await Promise.all(['alice', 'bob', 'carol'].map(async sub => await signed(key, { sub })))).map(token => token.split('.'))
  const index = fc.nat({ max: 2 })
  await holdsAsync(t, fc.asyncProperty(index, index, index, async (header, payload, signature) => {
    fc.pre(payload !== signature)
    return outcome(await ask([tokens[header]![0], tokens[payload]![1], tokens[signature]![2]].join('.'))) === 'wrong-credential'
  }), 50)
})

test('a valid token always gives the user that its claims describe', async t => {
  const { ask } = await openJwt(t, { issuers: [issuerWith(t, [key], { claimMappings: { username: { claim: 'sub', prefix: 'sso:' }, groups: { claim: 'groups', prefix: '' }, uid: { expression: 'claims.sub' } } })] })
  const text = fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }).filter(value => !/\p{Cs}/u.test(value))
  await holdsAsync(t, fc.asyncProperty(text, fc.array(text, { maxLength: 5 }), fc.dictionary(text, fc.jsonValue({ maxDepth: 4 })), async (sub, groups, others) => {
    const registered = new Set(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'groups', '_claim_names', '_claim_sources', 'hasgroups', '__proto__'])
    const claims = { ...Object.fromEntries(Object.entries(others).filter(([name]) => !registered.has(name))), sub, groups }
    const answer = await ask(await signed(key, claims))
    if (answer === null || 'denied' in answer) return false
    const { username, uid, groups: given = [] } = answer.user
    return username === `sso:${sub}` && uid === sub && JSON.stringify(given) === JSON.stringify(groups)
  }), 300)
})
