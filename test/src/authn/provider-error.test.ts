import { test } from 'tap'
import { parseCredential } from '../../../src/authn/credential.js'
import { describeProviderError } from '../../../src/authn/provider-error.js'
import { DirectoryError, KeySourceError } from '../../../src/errors.js'
import { basicToken, bob } from '../../fixtures/people.js'

function detailOf (cause: unknown, token = basicToken('bob', bob.password)): string | undefined {
  return describeProviderError({ unavailable: 'failed', cause }, parseCredential(token))?.detail
}

const refused = Object.assign(new Error('connect ECONNREFUSED 192.0.2.1:443'), { code: 'ECONNREFUSED' })

const failures: Array<[what: string, cause: unknown, detail: string]> = [
  ['an error', new Error('the directory is down'), 'the directory is down'],
  ['one whose name says something', new TypeError('x is undefined'), 'TypeError: x is undefined'],
  ['an issuer without keys', new KeySourceError('no keys from issuer https://sso.example.com: connection refused'), 'no keys from issuer https://sso.example.com: connection refused'],
  ['a directory that does not answer', new DirectoryError('ldap.example.com:636 did not answer a bind within 1000 ms', 'host'), 'ldap.example.com:636 did not answer a bind within 1000 ms'],
  ['an error with a cause', new TypeError('fetch failed', { cause: refused }), 'TypeError: fetch failed: connect ECONNREFUSED 192.0.2.1:443'],
  ['several attempts to connect', new TypeError('fetch failed', { cause: new AggregateError([refused, new Error('connect ENETUNREACH 2001:db8::1:443')]) }), 'TypeError: fetch failed: connect ECONNREFUSED 192.0.2.1:443, connect ENETUNREACH 2001:db8::1:443'],
  ['an error without words', new Error(''), ''],
  ['several attempts, in words of their own', new AggregateError([refused], 'nobody answered'), 'nobody answered'],
  ['no error at all', 'out of order', 'out of order']
]

for (const [what, cause, detail] of failures) {
  test(`${what} is one line`, async t => {
    t.equal(detailOf(cause), detail)
  })
}

test('a loop of causes ends', async t => {
  const error = new Error('again')
  error.cause = error
  t.match(detailOf(error), /^again(: again){5}$/)
})

test('a very long message is cut after it is redacted', async t => {
  const detail = detailOf(new Error(`${'x'.repeat(1_990)} ${bob.password}`))!
  t.equal(detail.length, 2_000)
  t.notMatch(detail, bob.password.slice(0, 4))
})

test('without an error there is nothing to describe', async t => {
  t.equal(describeProviderError({ unavailable: 'timeout' }, parseCredential('x')), undefined)
})

test('a stack is kept where the code is to blame, and nowhere else', async t => {
  const failureOf = (cause: unknown) => describeProviderError({ unavailable: 'failed', cause }, parseCredential(basicToken('bob', bob.password)))
  t.match(failureOf(new TypeError(`no ${bob.password}`))!.stack, /^TypeError: no \[redacted\]\n {4}at /)
  t.equal(failureOf(new DirectoryError('down', 'host'))!.stack, undefined)
  t.equal(failureOf(new KeySourceError('down'))!.stack, undefined)
  t.equal(failureOf(Object.assign(new Error('odd'), { stack: undefined }))!.stack, '', 'an error that has none')
})

const redactions: Array<[what: string, token: string, message: string, detail: string]> = [
  ['a token', 'canary-token', 'odd: canary-token', 'odd: [redacted]'],
  ['a token within a word', 'canary-token', 'xcanary-tokenx', 'x[redacted]x'],
  ['a token of credentials', basicToken('bob', 'secret'), `odd: ${basicToken('bob', 'secret')}`, 'odd: [redacted]'],
  ['a password', basicToken('bob', 'canary-password'), 'bind of bob with canary-password', 'bind of bob with [redacted]'],
  ['a password with characters of a pattern', basicToken('bob', 'a.*(b'), 'no a.*(b, nor axx(b', 'no [redacted], nor axx(b'],
  ['a short password by itself', basicToken('bob', 'hunter2'), 'bind with hunter2: refused', 'bind with [redacted]: refused'],
  ['a password of one letter leaves words alone', basicToken('bob', 'e'), 'connect ECONNREFUSED', 'connect ECONNREFUSED'],
  ['a name of one letter leaves words alone', basicToken('e', 'canary-password'), 'connect e ECONNREFUSED', 'connect e ECONNREFUSED'],
  ['a name that is a word of the message', basicToken('connect', 'canary-password'), 'connect ECONNREFUSED', 'connect ECONNREFUSED'],
  ['a long typed name, which may be a password', basicToken('canary-typed', 'x'), 'no canary-typed here', 'no [redacted] here'],
  ['a token of one letter', 'e', 'connect ECONNREFUSED', 'connect ECONNREFUSED']
]

for (const [what, token, message, detail] of redactions) {
  test(`redacted or not: ${what}`, async t => {
    t.equal(detailOf(new Error(message), token), detail)
  })
}
