import { test } from 'tap'
import { parseCredential, passwordToken } from '../../../../src/authn/credential.js'
import { tokenCommand } from '../../../../src/cli/commands/token.js'
import { runCommand, runOnTerminal } from '../../../fixtures/command.js'
import { needs } from '../../../fixtures/packages.js'
import { runInProcess } from '../../../fixtures/command-in-process.js'

test('prints the bearer token of a password on one line', async (t) => {
  const { code, stdout, stderr } = await runCommand(['token', '--username', 'alice'], { input: 'wonderland\n' })
  t.equal(stdout, `${Buffer.from('alice:wonderland').toString('base64')}\n`)
  t.equal(stderr, '')
  t.equal(code, 0)
  t.same(parseCredential(stdout.trim()).passwordCredential, { username: 'alice', password: 'wonderland' })
})

test('asks for the password on a terminal, without echo', needs('script'), async (t) => {
  const { code, stdout } = await runOnTerminal(['token', '--username', 'alice'], [['Password: ', 'wonderland\r']])
  t.match(stdout, Buffer.from('alice:wonderland').toString('base64'))
  t.notMatch(stdout, /wonderland/)
  t.equal(code, 0)
})

test('refuses a name before it asks for the password, and a password that no token can carry', async (t) => {
  const name = await runInProcess(tokenCommand, ['token', '--username', 'al:ice'])
  t.match(name.stderr, /a username with a colon can't have a password/)
  t.equal(name.code, 2)
  const password = await runInProcess(tokenCommand, ['token', '--username', 'alice'], { input: 'wonder\nland' })
  t.match(password.stderr, /the password contains a control character/)
  t.equal(password.stdout, '')
  t.equal(password.code, 2)
})

test('the username is needed', async (t) => {
  const { code, stderr } = await runInProcess(tokenCommand, ['token'])
  t.match(stderr, /required option '--username <name>' not specified/)
  t.equal(code, 2)
})

test('what a token carries is read back as it was', (t) => {
  for (const password of ['a:b', ' outer space ', 'pässwörd', '🐇', 'x'.repeat(2000), '=']) {
    t.same(parseCredential(passwordToken({ username: 'älice', password })).passwordCredential, { username: 'älice', password }, password)
  }
  t.end()
})

test('what no token can carry', (t) => {
  const cases: Array<[username: string, password: string, reason: RegExp]> = [
    ['system:alice', 'x', /a username with a colon can't have a password/],
    ['', 'x', /the username is empty/],
    ['al\u0007ice', 'x', /the username contains a control character/],
    ['alice', '', /the password is empty/],
    ['alice', 'wonder\nland', /the password contains a control character/],
    ['alice', '\ud83d', /not Unicode text/]
  ]
  for (const [username, password, reason] of cases) t.throws(() => passwordToken({ username, password }), reason)
  t.end()
})
