import { test } from 'tap'
import { immutable, isImmutable } from '../../../src/authn/immutable.js'

const USER = { username: 'alice', groups: ['developers'], extra: JSON.parse('{"__proto__":["a"]}') as object }

test('a copy that nobody can change', async t => {
  const copy = immutable(USER)
  t.not(copy, USER)
  t.strictSame(JSON.stringify(copy), JSON.stringify(USER), 'a key such as __proto__ is one like any other')
  t.throws(() => { copy.groups.push('admins') }, TypeError)
  t.throws(() => { copy.username = 'bob' }, TypeError)
  t.ok(isImmutable(copy))
  t.notOk(Object.isFrozen(USER.groups), 'the original is left alone')
})

class Person {
  readonly username = 'alice'
}

const values: Array<[what: string, value: unknown, immutable: boolean]> = [
  ['a text', 'alice', true],
  ['nothing', undefined, true],
  ['null', null, true],
  ['a frozen user', Object.freeze({ username: 'alice', groups: Object.freeze(['developers']) }), true],
  ['one whose groups can change', Object.freeze({ username: 'alice', groups: ['developers'] }), false],
  ['one that can change', { username: 'alice' }, false],
  ['one that computes', Object.freeze({ get username () { return 'alice' } }), false],
  ['one that inherits', Object.freeze(Object.create({ username: 'alice' })), false],
  ['one of a class', Object.freeze(new Person()), false],
  ['an array of a class', Object.freeze(new (class extends Array {})()), false],
  ['a date, which has setters', Object.freeze({ expiresAt: new Date(0) }), false],
  ['a function', Object.freeze(() => 'alice'), false],
  ['a proxy of what can change', new Proxy({ username: 'alice' }, {}), false]
]

for (const [what, value, expected] of values) {
  test(`${what} ${expected ? 'is' : 'is not'} immutable`, async t => {
    t.equal(isImmutable(value), expected)
  })
}
