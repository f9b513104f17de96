import { test } from 'tap'
import { canonicalName, mapUser, MAX_NAME_BYTES } from '../../../src/authn/mapping.js'
import { alice } from '../../fixtures/people.js'

const PREFIXES = { usernamePrefix: 'corp:', groupPrefix: 'corp/' }
const NO_PREFIXES = { usernamePrefix: '', groupPrefix: '' }

const names: Array<[what: string, name: string, canonical: string | undefined]> = [
  ['a plain name', 'alice', 'alice'],
  ['a name with inner white space', 'Alice Smith', 'Alice Smith'],
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
  ['half a surrogate pair', 'alice\ud800', undefined]
]

for (const [what, name, canonical] of names) {
  test(`${what} is ${canonical === undefined ? 'no name' : 'a name'}`, async t => {
    t.equal(canonicalName(name), canonical)
  })
}

test('prefixes stand before usernames and groups, and nowhere else', async t => {
  t.strictSame(mapUser(alice.user, PREFIXES), {
    user: { username: 'corp:alice', uid: '1001', groups: ['corp/developers', 'corp/platform'], extra: { 'example.com/team': ['platform', 'on-call'] } },
    dropped: { uid: 0, group: 0, extra: 0 }
  })
})

test('a prefix does not hide what is no name', async t => {
  t.equal(mapUser({ username: ' alice' }, PREFIXES), undefined)
  t.equal(mapUser({ username: '' }, PREFIXES), undefined)
})

test('a prefix counts as part of the length', async t => {
  t.equal(canonicalName('é'.repeat(127), 'corp:'), undefined)
})

test('groups that are the same after NFC are folded', async t => {
  const mapped = mapUser({ username: 'alice', groups: ['dev', 'zoe\u0308', 'dev', 'zo\u00eb'] }, NO_PREFIXES)
  t.strictSame(mapped?.user.groups, ['dev', 'zo\u00eb'])
})

test('what is no name is dropped and counted', async t => {
  t.strictSame(mapUser({ username: 'alice', uid: 'a\nb', groups: ['', 'dev', ' ops'], extra: { 'a\u200b': ['x'], b: ['y'] } }, NO_PREFIXES), {
    user: { username: 'alice', groups: ['dev'], extra: { b: ['y'] } },
    dropped: { uid: 1, group: 2, extra: 1 }
  })
})

test('an extra key with a value that is no Unicode text is dropped and counted: JSON would make it another', async t => {
  t.strictSame(mapUser({ username: 'alice', extra: { half: ['whole', 'half \ud83d'], team: ['', ' two\nlines ', '🚀'] } }, NO_PREFIXES), {
    user: { username: 'alice', extra: { team: ['', ' two\nlines ', '🚀'] } },
    dropped: { uid: 0, group: 0, extra: 1 }
  })
})

test('nothing that is empty is answered', async t => {
  t.strictSame(mapUser({ username: 'alice', uid: '', groups: [], extra: {} }, NO_PREFIXES)?.user, { username: 'alice' })
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
