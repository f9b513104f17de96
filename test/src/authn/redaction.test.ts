import { test } from 'tap'
import { redactPasswords, redactTexts } from '../../../src/authn/redaction.js'

test('a text of eight characters is redacted wherever it is, a shorter one nowhere', async t => {
  t.equal(redactTexts('no 12345678, nor x12345678x', ['12345678']), 'no [redacted], nor x[redacted]x')
  t.equal(redactTexts('no 1234567', ['1234567']), 'no 1234567')
  t.equal(redactTexts('nothing', ['']), 'nothing')
})

test('a shorter password is redacted if it stands by itself', async t => {
  t.equal(redactPasswords('bind with hunter2: refused', ['hunter2']), 'bind with [redacted]: refused')
  t.equal(redactPasswords('hunter2', ['hunter2']), '[redacted]')
  t.equal(redactPasswords('hunter2, "hunter2"', ['hunter2']), '[redacted], "[redacted]"', 'each of them')
  for (const word of ['hunter22', 'xhunter2', 'éhunter2', 'hunter2é', '1hunter2']) t.equal(redactPasswords(word, ['hunter2']), word)
  t.equal(redactPasswords('with a.b$c^d', ['a.b$c^d']), 'with [redacted]', 'characters of a pattern')
  t.equal(redactPasswords('with axb', ['a.b']), 'with axb')
  t.equal(redactPasswords('xcanary-passwordx', ['canary-password']), 'x[redacted]x', 'a long one within a word')
})

test('an empty password redacts nothing', async t => {
  t.equal(redactPasswords('bind: refused (49)', ['']), 'bind: refused (49)')
})

test('a secret that is part of another one leaves no rest of it', async t => {
  for (const secrets of [['canary-token', 'canary-token-of-alice'], ['canary-token-of-alice', 'canary-token']]) {
    t.equal(redactTexts('odd: canary-token-of-alice', secrets), 'odd: [redacted]')
  }
  for (const passwords of [['a-b', 'a-b-c'], ['a-b-c', 'a-b']]) t.equal(redactPasswords('odd: a-b-c', passwords), 'odd: [redacted]')
})
