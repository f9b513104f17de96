/** What leaves under a name, and what is read out of a token, whatever goes in. */
import { strict as assert } from 'node:assert'
import * as fc from 'fast-check'
import { parseCredential, passwordToken } from '../../src/authn/credential.js'
import { canonicalName, mapUser, MAX_NAME_BYTES } from '../../src/authn/mapping.js'
import { guardReserved } from '../../src/authn/reserved.js'
import type { UserInfo } from '../../schemas/token-review.js'
import { fuzzProperties, type Properties } from './properties.js'
import type { Goal, Result } from './service-target.js'

const FORBIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

/** Pieces that names of attackers are made of, and any code unit. */
const piece = fc.oneof(
  fc.constantFrom('system:', 'System:', 'system', ':', 'masters', 'ſystem:', 'sуstem:', 'system\u200b:', 'ｓystem:', 'system\uff1a', '\u0301', 'e', 'ä', 'a\u0308', '\u1100\u1161\u11a8', '\u0344', '\u0958', '\u212b', '\u202e', '\u00ad', '\u0000', '\u0085', '\u2028', '\ud83d', '\udc00', ' ', '\u00a0', '\u3000', '\ufeff', '\u{e0001}', '__proto__', 'constructor', 'kubernetes.io/', 'k8s.io', 'İ', 'K', 'a'.repeat(250)),
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.integer({ min: 0, max: 0xffff }).map(unit => String.fromCharCode(unit))
)
const name = fc.array(piece, { maxLength: 6 }).map(pieces => pieces.join(''))
// what the config takes for a prefix
const prefix = fc.oneof(fc.constantFrom('', '', 'corp:', 'ldap#'), fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map(code => String.fromCharCode(code)), maxLength: 10 }))
const user: fc.Arbitrary<UserInfo> = fc.record({ username: name, uid: name, groups: fc.array(name, { maxLength: 5 }), extra: fc.dictionary(name, fc.array(name, { maxLength: 3 }), { maxKeys: 4, noNullPrototype: false }) }, { requiredKeys: ['username'] })

function isGood (text: string, what: string): void {
  assert.notEqual(text, '', `${what} is empty`)
  assert.equal(FORBIDDEN.test(text), false, `${what} holds a forbidden character`)
  assert.equal(text, text.trim(), `${what} has outer white space`)
  assert.equal(text, text.normalize('NFC'), `${what} is not in NFC`)
  assert.equal(Buffer.from(text).toString(), text, `${what} has no UTF-8`)
}

const PROPERTIES: Properties = {
  canonicalName: fc.property(name, prefix, (given, before) => {
    const named = canonicalName(given, before)
    if (named === undefined) return
    isGood(named, 'the name')
    assert.ok(named.startsWith(before), 'the prefix is missing')
    assert.ok(Buffer.byteLength(named) <= MAX_NAME_BYTES, 'the name is too long')
    assert.equal(canonicalName(given.normalize('NFD'), before), named, 'another form of the same name is another name')
  }),
  mapUser: fc.property(user, prefix, prefix, (given, usernamePrefix, groupPrefix) => {
    const before = JSON.stringify(given)
    const mapped = mapUser(given, { usernamePrefix, groupPrefix })
    assert.equal(JSON.stringify(given), before, 'what was given is changed')
    if (mapped === undefined) return
    const { user, dropped } = mapped
    isGood(user.username, 'the username')
    if (user.uid !== undefined) isGood(user.uid, 'the uid')
    for (const group of user.groups ?? []) isGood(group, 'a group')
    assert.equal(new Set(user.groups).size, user.groups?.length ?? 0, 'a group twice')
    for (const [key, values] of Object.entries(user.extra ?? {})) {
      isGood(key, 'a key of extra')
      assert.deepEqual(values, given.extra?.[key], 'other values of extra')
      for (const value of values) assert.equal(Buffer.from(value).toString(), value, 'a value without UTF-8')
    }
    assert.equal(Object.keys(user.extra ?? {}).length + dropped.extra.length, Object.keys(given.extra ?? {}).length, 'keys of extra are lost without being counted')
    assert.equal(JSON.stringify(JSON.parse(JSON.stringify(user))), JSON.stringify(user), 'it does not survive the wire')
  }),
  guardReserved: fc.property(user, fc.constantFrom<string[]>([], ['system:masters']), (given, allowGroups) => {
    const mapped = mapUser(given, { usernamePrefix: '', groupPrefix: '' })
    if (mapped === undefined) return
    const { user } = guardReserved(mapped.user, { allowUsers: [], allowGroups })
    if (user === undefined) {
      assert.ok(mapped.user.username.normalize('NFKC').startsWith('system:'), 'a username is refused that is not reserved')
      return
    }
    assert.equal(user.username.normalize('NFKC').startsWith('system:'), false, 'a reserved username leaves')
    for (const group of user.groups ?? []) assert.ok(!group.normalize('NFKC').startsWith('system:') || allowGroups.includes(group), 'a reserved group leaves')
    for (const key of Object.keys(user.extra ?? {})) {
      assert.equal(key, key.toLowerCase(), 'a key that is not lower-case leaves')
      assert.equal(/(^|\.)(kubernetes|k8s)\.io(\/|$)/.test(key.split('/')[0]! + (key.includes('/') ? '/' : '')), false, 'a reserved key leaves')
    }
  }),
  anyToken: fc.property(fc.oneof(name, fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes).toString('base64')), fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes).toString('base64url')), fc.base64String()), fc.constantFrom('', '\n', '\r\n', '=', '\n\n'), (text, end) => {
    const { token, passwordCredential } = parseCredential(text + end)
    assert.equal(token, text + end, 'the token is changed')
    if (passwordCredential === undefined) return
    const { username, password: secret } = passwordCredential
    assert.ok(username !== '' && secret !== '' && !username.includes(':'), 'split wrongly')
    assert.equal(/\p{Cc}/u.test(username + secret), false, 'a control character')
    const plain = passwordToken(passwordCredential)
    const again = parseCredential(plain).passwordCredential
    assert.deepEqual(again, passwordCredential, 'not the same once more')
    // one token a password, but for alphabet, padding and the line break
    const bytes = Buffer.from(token.trim(), 'base64').toString().replace(/\r?\n$/, '')
    assert.equal(bytes, `${username}:${secret}`, 'other bytes than those in the token')
  }),
  passwordTokens: fc.property(name, name, (username, password) => {
    let token: string
    try {
      token = passwordToken({ username, password })
    } catch (error) {
      // a short one may be part of any word
      assert.ok(password.length < 8 || !(error as Error).message.includes(password), 'the message holds the password')
      return
    }
    assert.deepEqual(parseCredential(token).passwordCredential, { username, password }, 'not what was put in')
  })
}

export async function fuzzNames (goal: Goal): Promise<Result> {
  return await fuzzProperties(PROPERTIES, goal)
}
