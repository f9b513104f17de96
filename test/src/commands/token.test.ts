import { test } from 'tap'
import { parseCredential, passwordToken } from '../../../src/authn/credential.js'
import { runCommand, runOnTerminal } from '../../fixtures/command.js'

test('prints the bearer token of a password on one line', async (t) => {
  const { code, stdout, stderr } = await runCommand(['token', '--username', 'alice'], { input: 'wonderland\n' })
  t.equal(stdout, `${Buffer.from('alice:wonderland').toString('base64')}\n`)
  t.equal(stderr, '')
  t.equal(code, 0)
  t.same(parseCredential(stdout.trim()).password, { username: 'alice', password: 'wonderland' })
})

test('asks for the password on a terminal, without echo', async (t) => {
  const { code, stdout } = await runOnTerminal(['token', '--username', 'alice'], [['Password: ', 'wonderland\r']])
  t.match(stdout, Buffer.from('alice:wonderland').toString('base64'))
  t.notMatch(stdout, /wonderland/)
  t.equal(code, 0)
})

test('refuses what no token can carry, with the reason', async (t) => {
  const cases: Array<[name: string, username: string, input: string, reason: RegExp]> = [
    ['a name with a colon', 'system:alice', 'x', /a username with a colon can't have a password/],
    ['no name', '', 'x', /the username is empty/],
    ['a control character in the name', 'al\u0007ice', 'x', /the username contains a control character/],
    ['an empty password', 'alice', '\n', /the password is empty/],
    ['a line break in the password', 'alice', 'wonder\nland', /the password contains a control character/]
  ]
  await Promise.all(cases.map(async ([name, username, input, reason]) => {
    const { code, stdout, stderr } = await runCommand(['token', '--username', username], { input })
    t.match(stderr, reason, name)
    t.equal(stdout, '', name)
    t.equal(code, 2, name)
  }))
})

test('the username is needed', async (t) => {
  const { code, stderr } = await runCommand(['token'])
  t.match(stderr, /required option '--username <name>' not specified/)
  t.equal(code, 2)
})

test('what a token carries is read back as it was', (t) => {
  for (const password of ['a:b', ' outer space ', 'pässwörd', '🐇', 'x'.repeat(2000), '=']) {
    t.same(parseCredential(passwordToken({ username: 'älice', password })).password, { username: 'älice', password }, password)
  }
  t.throws(() => passwordToken({ username: 'alice', password: '\ud83d' }), /not Unicode text/)
  t.end()
})
