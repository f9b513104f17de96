import fc from 'fast-check'
import { test } from 'tap'
import type { UserInfo } from '../../../schemas/token-review.js'
import { isVettedDenial, vetAnswer } from '../../../src/authn/answer.js'
import { canonicalName, mapUser, MAX_NAME_BYTES, whyNoName } from '../../../src/authn/mapping.js'
import { unobserved } from '../../../src/authn/observer.js'
import { alice } from '../../fixtures/people.js'
import { holds } from '../../fixtures/property.js'

const PREFIXES = { usernamePrefix: 'corp:', groupPrefix: 'corp/' }
const NO_PREFIXES = { usernamePrefix: '', groupPrefix: '' }

const names: Array<[what: string, name: string, canonical: string | undefined]> = [
  ['a plain name', 'alice', 'alice'],
  ['a name with inner white space', 'Alice Smith', 'Alice Smith'],
  ['a name beyond ASCII with inner white space', 'Älice Smith', 'Älice Smith'],
  ['a mail address', 'alice@example.com', 'alice@example.com'],
  ['a composed letter', 'zo\u00eb', 'zo\u00eb'],
  ['a decomposed letter, which becomes the composed one', 'zoe\u0308', 'zo\u00eb'],
  ['letters of other scripts', '愛理', '愛理'],
  ['one character', 'a', 'a'],
  ['as long as a name may be', 'é'.repeat(MAX_NAME_BYTES / 2), 'é'.repeat(MAX_NAME_BYTES / 2)],
  ['longer than a name may be', 'é'.repeat(MAX_NAME_BYTES / 2) + 'a', undefined],
  ['longer than a name may be, in ASCII', 'a'.repeat(MAX_NAME_BYTES + 1), undefined],
  ['nothing', '', undefined],
  ['a leading space', ' alice', undefined],
  ['a trailing space', 'alice ', undefined],
  ['a no-break space around', '\u00a0alice', undefined],
  ['a newline', 'alice\nroot', undefined],
  ['a null byte', 'alice\0', undefined],
  ['an escape sequence', '\u001b[31malice', undefined],
  ['a zero-width space', 'ali\u200bce', undefined],
  ['a right-to-left override', 'alice\u202e', undefined],
  ['a line separator', 'alice\u2028', undefined],
  ['half a surrogate pair', 'alice\ud800', undefined],
  ['a Hangul filler', 'ali\u3164ce', undefined],
  ['a halfwidth Hangul filler', 'alice\uffa0', undefined],
  ['a Hangul filler that is a letter of a syllable', '\u115falice', undefined],
  ['a combining grapheme joiner', 'ali\u034fce', undefined],
  ['a variation selector', 'alice\ufe0f', undefined],
  ['a variation selector of the supplement', 'alice\u{e0100}', undefined],
  ['a tag character', 'alice\u{e0061}', undefined],
  ['a code point that is ignored and not assigned', 'alice\u{e0fff}', undefined],
  ['a blank Braille pattern', 'ali\u2800ce', undefined],
  ['a code point that is no character', 'alice\ufdd0', undefined],
  ['a soft hyphen in a reserved name', 'sys\u00adtem:masters', undefined],
  ['a leading combining mark', '\u0301alice', undefined],
  ['a leading enclosing mark', '\u20ddalice', undefined],
  ['a combining mark behind a letter that it does not compose with', 'x\u0301', 'x\u0301']
]

for (const [what, name, canonical] of names) {
  test(`${what} is ${canonical === undefined ? 'no name' : 'a name'}`, async t => {
    t.equal(canonicalName(name), canonical)
  })
}

test('prefixes stand before usernames and groups, and nowhere else', async t => {
  t.strictSame(mapUser(alice.user, PREFIXES), {
    user: { username: 'corp:alice', uid: '1001', groups: ['corp/developers', 'corp/platform'], extra: { 'example.com/team': ['platform', 'on-call'] } },
    dropped: { uid: [], group: [], extra: [] }
  })
})

test('a prefix does not hide what is no name', async t => {
  t.equal(mapUser({ username: ' alice' }, PREFIXES), undefined)
  t.equal(mapUser({ username: '' }, PREFIXES), undefined)
})

test('a prefix counts as part of the length', async t => {
  t.equal(canonicalName('é'.repeat(127), 'corp:'), undefined)
  t.equal(canonicalName('a'.repeat(128), 'p'.repeat(128)), 'p'.repeat(128) + 'a'.repeat(128))
  t.equal(canonicalName('a'.repeat(128), 'p'.repeat(129)), undefined)
})

test('a prefix stands before a name beyond ASCII', async t => {
  t.equal(canonicalName('zo\u00eb', 'corp:'), 'corp:zo\u00eb')
  t.equal(canonicalName('zoe\u0308', 'corp:'), 'corp:zo\u00eb')
  t.equal(canonicalName('alice', 'b\u00fcro:'), 'b\u00fcro:alice')
})

const reasons: Array<[what: string, name: string, reason: RegExp]> = [
  ['nothing', '', /empty/],
  ['a leading space', ' alice', /white space/],
  ['a trailing no-break space', 'alice\u00a0', /white space/],
  ['a leading combining mark', '\u0301alice', /combining mark/],
  ['a leading mark in an odd place', '\u20ddx y', /combining mark/],
  ['a newline inside', 'alice\nroot', /control character/],
  ['a line separator', 'ali\u2028ce', /control character/],
  ['a paragraph separator', 'ali\u2029ce', /control character/],
  ['half a surrogate pair', 'alice\ud800', /half a character/],
  ['a zero-width space', 'ali\u200bce', /invisible/],
  ['a blank Braille pattern', 'ali\u2800ce', /invisible/],
  ['257 bytes', 'a'.repeat(257), /256 bytes/],
  ['inner white space and marks are no reason', `${'a '.repeat(128)}x\u0301`, /256 bytes/],
  // composed it would be one of two bytes
  ['a letter that composes', 'zoe\u0308'.repeat(100), /256 bytes/]
]

for (const [what, name, reason] of reasons) {
  test(`why it is no name: ${what}`, async t => {
    t.equal(canonicalName(name), undefined)
    t.match(whyNoName(name), reason)
  })
}

test('a name does not melt into the end of its prefix', async t => {
  t.equal(canonicalName('\u0301tat', 'corp:e'), undefined)
  t.equal(canonicalName('\u1161', 'corp:\u1100'), undefined, 'vowels of Hangul are letters, not marks')
})

/** Text of what is near to being a name: composing, invisible, reserved, long. */
const PIECES = ['a', 'e', 'system:', 'sys', 'tem:', 'kubernetes.io', 'k8s.io/', '/', ' ', '\u0301', '\u0344', '\u0958', '\u212a', '\u1100', '\u1161', '\u11a8', '\u115f', '\u3164', '\uffa0', '\u00ad', '\u034f', '\ufe0f', '\u{e0041}', '\u200b', '\u202e', '\u0085', '\n', '\ud800', '\uff53', 'é'.repeat(130), 'x'.repeat(130)]
const piece = fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: 'binary', maxLength: 3 }), fc.string({ unit: 'grapheme', maxLength: 3 }))
const name = fc.array(piece, { maxLength: 6 }).map(pieces => pieces.join(''))
const anyUser: fc.Arbitrary<UserInfo> = fc.record({
  username: name,
  uid: name,
  groups: fc.array(name, { maxLength: 4 }),
  extra: fc.dictionary(name, fc.array(name, { maxLength: 2 }), { maxKeys: 3 })
}, { requiredKeys: ['username'] })
const anyPrefix = fc.constantFrom('', 'corp:', 'corp:e', 'sys', 'system', 'p'.repeat(128))

test('whatever a provider gives, what leaves is a name', async t => {
  holds(t, fc.property(anyUser, anyPrefix, (user, prefix) => {
    const answer = vetAnswer('people', { user }, { usernamePrefix: prefix, groupPrefix: prefix, reserved: { allowUsers: [], allowGroups: [] } }, unobserved)
    if (answer === null || isVettedDenial(answer)) return true
    const { username, uid, groups = [], extra = {} } = answer.user
    const prefixed = [username, ...groups]
    const all = [...prefixed, ...uid === undefined ? [] : [uid], ...Object.keys(extra)]
    return prefixed.every(full => full.startsWith(prefix) && !full.normalize('NFKC').startsWith('system:')) &&
      new Set(groups).size === groups.length &&
      all.every(full => full !== '' && full === full.normalize('NFC') && canonicalName(full) === full && Buffer.byteLength(full) <= MAX_NAME_BYTES) &&
      all.every(full => !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|^\p{M}|^\s|\s$/u.test(full)) &&
      Object.keys(extra).every(key => key === key.toLowerCase() && !/(^|\.)(kubernetes|k8s)\.io(\/|$)/.test(key.normalize('NFKC').split('/')[0]!))
  }), 2000)
})

test('a canonical name is its own canonical name, with every prefix', async t => {
  holds(t, fc.property(name, fc.oneof(anyPrefix, name), (text, prefix) => {
    const canonical = canonicalName(text, prefix)
    return canonical === undefined || (canonicalName(canonical) === canonical && canonical.normalize('NFC') === canonical && canonical.startsWith(prefix))
  }), 2000)
})

test('groups that are the same after NFC are folded', async t => {
  const mapped = mapUser({ username: 'alice', groups: ['dev', 'zoe\u0308', 'dev', 'zo\u00eb'] }, NO_PREFIXES)
  t.strictSame(mapped?.user.groups, ['dev', 'zo\u00eb'])
})

test('what is no name is dropped and listed', async t => {
  t.strictSame(mapUser({ username: 'alice', uid: 'a\nb', groups: ['', 'dev', ' ops'], extra: { 'a\u200b': ['x'], b: ['y'] } }, NO_PREFIXES), {
    user: { username: 'alice', groups: ['dev'], extra: { b: ['y'] } },
    dropped: { uid: ['a\nb'], group: ['', ' ops'], extra: ['a\u200b'] }
  })
})

test('an extra key with a value that is no Unicode text is dropped and listed: JSON would make it another', async t => {
  t.strictSame(mapUser({ username: 'alice', extra: { half: ['whole', 'half \ud83d'], team: ['', ' two\nlines ', '🚀'] } }, NO_PREFIXES), {
    user: { username: 'alice', extra: { team: ['', ' two\nlines ', '🚀'] } },
    dropped: { uid: [], group: [], extra: ['half'] }
  })
})

test('nothing that is empty is answered', async t => {
  t.strictSame(mapUser({ username: 'alice', uid: '', groups: [], extra: {} }, NO_PREFIXES), { user: { username: 'alice' }, dropped: { uid: [], group: [], extra: [] } })
})

test('the mapped user is a copy in all its depth', async t => {
  const mapped = mapUser(alice.user, NO_PREFIXES)
  t.not(mapped?.user.groups, alice.user.groups)
  t.not(mapped?.user.extra?.['example.com/team'], alice.user.extra?.['example.com/team'])
})

test('__proto__ as an extra key is a key like any other', async t => {
  const extra = JSON.parse('{"__proto__": ["x"]}')
  const mapped = mapUser({ username: 'alice', extra }, NO_PREFIXES)
  t.strictSame(Object.keys(mapped?.user.extra ?? {}), ['__proto__'])
})
