import { test } from 'tap'
import { cookieSettings, deriveKeys } from '../../../src/login/cookies.js'
import { Signatures } from '../../../src/login/signatures.js'

const [OLD, NEW] = [Buffer.alloc(32, 1).toString('base64url'), Buffer.alloc(32, 2).toString('base64url')]

void test('replicas with the same signing keys accept each other, and what was signed before a rotation', async t => {
  const before = new Signatures(deriveKeys([OLD], 'cookies'))
  const after = new Signatures(deriveKeys([NEW, OLD], 'cookies'))
  const signature = before.sign('session=1')
  t.equal(after.verify('session=1', signature), true)
  t.equal(after.index('session=1', signature), 0, 'and do not sign it again')
  t.equal(before.verify('session=1', after.sign('session=1')), false)
  t.equal(after.verify('session=2', signature), false)
  t.equal(after.verify('session=1', ''), false)
  t.equal(new Signatures(deriveKeys([OLD], 'forms')).verify('session=1', signature), false, 'for one purpose')
})

void test('cookies of the root are bound to the host, those below a path to the path', async t => {
  t.match(cookieSettings(''), { names: { session: '__Host-session', browser: '__Host-browser' }, options: { path: '/', secure: true, httpOnly: true, sameSite: 'lax' } })
  t.match(cookieSettings('/sso'), { names: { session: '__Secure-session' }, options: { path: '/sso' } })
})
