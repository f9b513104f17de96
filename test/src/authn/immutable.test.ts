import { test } from 'tap'
import { immutable, isImmutable } from '../../../src/authn/immutable.js'

const USER = { username: 'alice', groups: ['developers'], extra: JSON.parse('{"__proto__":["a"]}') as object }

test('a copy that nobody can change', async t => {
  const copy = immutable(USER)
  t.not(copy, USER)
  t.strictSame(JSON.stringify(copy), JSON.stringify(USER), 'a key such as __proto__ is one like any other')
  t.throws(() => { copy.groups.push('admins') }, TypeError)
  t.throws(() => { copy.username = 'bob' }, TypeError)
  t.notOk(Object.isFrozen(USER.groups), 'the original is left alone')
})

test('what computes is asked once', async t => {
  const names = ['alice', 'bob']
  const copy = immutable({ get username () { return names.shift() } })
  t.equal(copy.username, 'alice')
  t.equal(copy.username, 'alice')
})

test('only what was made here is known to be one', async t => {
  t.ok(isImmutable(immutable(USER)))
  for (const other of [USER, Object.freeze({ username: 'alice' }), { ...immutable(USER) }, Object.create(immutable(USER)), new Proxy(immutable(USER), {})]) {
    t.notOk(isImmutable(other))
  }
})

test('what is no object stays what it is', async t => {
  for (const value of [null, undefined, 'alice', 1]) t.equal(immutable(value), value)
})
