import { test } from 'tap'
import { parsePasswordHash } from '../../../../src/authn/password-hash.js'
import { digestToken } from '../../../../src/authn/token-digest.js'
import { hashCommand } from '../../../../src/cli/commands/hash.js'
import { estimateTokenBits, whyUnpresentable } from '../../../../src/authn/token-strength.js'
import { runCommand, runOnTerminal } from '../../../fixtures/command.js'
import { needs } from '../../../fixtures/packages.js'
import { runInProcess } from '../../../fixtures/command-in-process.js'

const TOKEN = '0123456789abcdef0123456789abcdef'

test('hash password', async (t) => {
  t.test('prints the hash of what stdin holds', async (t) => {
    const { code, stdout, stderr } = await runCommand(['hash', 'password'], { input: 'wonderland\n' })
    t.ok(await parsePasswordHash(stdout.trim()).verify('wonderland'))
    t.equal(stderr, '')
    t.equal(code, 0)
  })

  t.test('as JSON', async (t) => {
    const { stdout } = await runInProcess(hashCommand, ['hash', 'password', '-o', 'json'], { input: 'wonderland' })
    t.ok(await parsePasswordHash(JSON.parse(stdout).passwordHash).verify('wonderland'))
  })

  t.test('asks twice on a terminal, without echo', needs('script'), async (t) => {
    const { code, stdout } = await runOnTerminal(['hash', 'password'], [['New password: ', 'wonderland\r'], ['once more: ', 'wonderland\r']])
    t.notMatch(stdout, /wonderland/)
    t.ok(await parsePasswordHash(/\$scrypt\S+/.exec(stdout)![0]).verify('wonderland'))
    t.equal(code, 0)
  })

  t.test('answers that differ are no password', needs('script'), async (t) => {
    const { code, stdout } = await runOnTerminal(['hash', 'password'], [['New password: ', 'wonderland\r'], ['once more: ', 'wanderlust\r']])
    t.match(stdout, /the two passwords differ/)
    t.notMatch(stdout, /scrypt/)
    t.equal(code, 2)
  })

  t.test('--generate prints the password once, labelled, and its hash', async (t) => {
    const { code, stdout, stderr } = await runInProcess(hashCommand, ['hash', 'password', '--generate'])
    const [, password, hash] = /^password: ([A-Za-z0-9]{24})\npasswordHash: (\S+)\n$/.exec(stdout) ?? []
    t.ok(await parsePasswordHash(hash!).verify(password!))
    t.match(stderr, /not stored/)
    t.equal(code, 0)
  })

  t.test('a password that is easy to guess, and one that is too long', async (t) => {
    t.match(await runInProcess(hashCommand, ['hash', 'password'], { input: 'x' }), { code: 0, stderr: /^warning: the password has fewer than 8 characters and is easy to guess; --generate generates a strong one\n$/ })
    t.match(await runInProcess(hashCommand, ['hash', 'password'], { input: 'x'.repeat(16_384) }), { code: 2, stdout: '', stderr: /the password is too long/ })
  })

  t.test('refuses a password that nobody could present', async (t) => {
    const { code, stdout, stderr } = await runInProcess(hashCommand, ['hash', 'password'], { input: 'a\tb' })
    t.match(stderr, /control character/)
    t.equal(stdout, '')
    t.equal(code, 2)
  })
})

test('hash token', async (t) => {
  t.test('prints the digest of what stdin holds', async (t) => {
    const { code, stdout, stderr } = await runCommand(['hash', 'token'], { input: `${TOKEN}\n` })
    t.equal(stdout, `${digestToken(TOKEN)}\n`)
    t.equal(stderr, '')
    t.equal(code, 0)
  })

  t.test('warns of a token that may be guessed', async (t) => {
    const { code, stdout, stderr } = await runInProcess(hashCommand, ['hash', 'token', '-o', 'json'], { input: 'open-sesame' })
    t.same(JSON.parse(stdout), { hash: digestToken('open-sesame') })
    t.match(stderr, /warning: the token has at most 51 bits of entropy/)
    t.equal(code, 0)
  })

  t.test('--generate prints the token once, labelled, and its digest', async (t) => {
    const { stdout, stderr } = await runInProcess(hashCommand, ['hash', 'token', '--generate', '-o', 'json'])
    const { token, hash } = JSON.parse(stdout)
    t.equal(hash, digestToken(token))
    t.ok(estimateTokenBits(token) >= 256)
    t.match(stderr, /not stored/)
    const text = await runInProcess(hashCommand, ['hash', 'token', '--generate'])
    t.match(text.stdout, /^token: \S+\nhash: sha256:[0-9a-f]{64}\n$/)
    t.notMatch(text.stdout, token, 'another one each time')
  })

  t.test('refuses what no header carries', async (t) => {
    const { code, stdout, stderr } = await runInProcess(hashCommand, ['hash', 'token'], { input: 'two words' })
    t.match(stderr, /white space/)
    t.notMatch(stderr, /two words/)
    t.equal(stdout, '')
    t.equal(code, 2)
  })
})

test('the strength of a token, by its length and characters', (t) => {
  const cases: Array<[token: string, bits: number]> = [
    ['', 0],
    ['1234567890', 33],
    [TOKEN, 128],
    ['0b0e7a4c-6d3f-4c61-9a57-0d6f6f3c2b1a', 128],
    ['ABCDEFGHIJKLMNOPQRSTUVWXY', 129],
    ['abcdefghijklmnopqrstuvwxy', 129],
    ['AbCdEfGhIjKlMnOpQrSt_w', 132],
    ['p@ssw0rd!', 58]
  ]
  for (const [token, bits] of cases) t.equal(estimateTokenBits(token), bits, token)
  t.equal(whyUnpresentable(''), 'the token is empty')
  t.match(whyUnpresentable('tökén'), /Authorization header/)
  t.equal(whyUnpresentable('a.b~c/+=='), undefined)
  t.end()
})
