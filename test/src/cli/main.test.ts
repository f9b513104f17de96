import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { test } from 'tap'
import { outcome, runCommand, runOnTerminal, startCommand } from '../../fixtures/command.js'
import { needs } from '../../fixtures/packages.js'

/** Runs JavaScript in the process before the command does. */
function preload (code: string): Record<string, string> {
  return { NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=data:text/javascript,${encodeURIComponent(code)}` }
}

test('without arguments it shows help', async (t) => {
  const { code, stdout, stderr } = await runCommand([])
  t.equal(code, 0)
  t.match(stdout, /^Usage: authn-webhook .*\n[^]*Commands:[^]*Examples:/)
  t.equal(stderr, '')
})

test('--help, -h and help', async (t) => {
  const { stdout } = await runCommand(['certs', '--help'])
  t.match(stdout, /^Usage: authn-webhook certs .*[^]*--out <dir>[^]*Examples:\n {2}\$ authn-webhook certs --out tls\n/)
  for (const args of [['certs', '-h'], ['help', 'certs']]) {
    t.match(await runCommand(args), { code: 0, stdout, stderr: '' }, args.join(' '))
  }
})

test('a command that has others shows help alone, and help of each of them', async (t) => {
  for (const [args, usage] of [
    [['users'], 'users [options] [command]'],
    [['hash'], 'hash [options] [command]'],
    [['help'], '[options] [command]'],
    [['help', 'users'], 'users [options] [command]'],
    [['help', 'users', 'add'], 'users add [options] <username>'],
    [['users', 'help', 'add'], 'users add [options] <username>'],
    [['users', 'add', '--help'], 'users add [options] <username>']
  ] as const) {
    const { code, stdout, stderr } = await runCommand(args)
    t.equal(stdout.split('\n')[0], `Usage: authn-webhook ${usage}`, args.join(' '))
    t.equal(stderr, '')
    t.equal(code, 0)
  }
  for (const args of [['users', 'lst'], ['help', 'users', 'lst'], ['help', 'usres'], ['users', '--wide']]) {
    const { code, stdout, stderr } = await runCommand(args)
    t.match(stderr, /^error: (?:unknown (?:command|option)|there is no such command)/, args.join(' '))
    t.equal(stdout, '')
    t.equal(code, 2)
  }
})

test('every command has examples and a description', async (t) => {
  const { stdout } = await runCommand([])
  const names = [...stdout.matchAll(/^ {2}([a-z][a-z-]+) .*\S {2,}\S/gm)].map(([, name]) => name!).filter((name) => name !== 'help')
  t.ok(names.includes('version') && names.includes('webhook-config'), names.join())
  const helps = await Promise.all(names.map(async (name) => ({ name, ...await runCommand([name, '--help']) })))
  for (const { name, code, stdout } of helps) {
    t.equal(code, 0, name)
    t.match(stdout, new RegExp(`Examples:\\n {2}\\$ .*authn-webhook ${name}|Commands:`), name)
  }
})

test('a wrong command line is exit code 2, with what was meant', async (t) => {
  const cases: Array<[args: string[], message: string]> = [
    [['versoin'], "error: unknown command 'versoin'\n(Did you mean version?)\n"],
    [['version', '--ouptut', 'json'], "error: unknown option '--ouptut'\n(Did you mean --output?)\n"],
    [['version', '-o', 'xml'], "error: option '-o, --output <format>' argument 'xml' is invalid. Allowed choices are json, yaml.\n"],
    [['version', 'please'], "error: too many arguments for 'version'. Expected 0 arguments but got 1.\n"],
    [['certs'], "error: required option '--out <dir>' not specified\n"]
  ]
  for (const [args, stderr] of cases) {
    t.strictSame(await runCommand(args), { code: 2, signal: null, stdout: '', stderr }, args.join(' '))
  }
})

test('a file that can not be written is named', async (t) => {
  const { code, stderr } = await runCommand(['certs', '--out', '/dev/null/tls'])
  t.equal(stderr, 'error: /dev/null: is not a directory\n')
  t.equal(code, 2)
})

test('errors of a file stand one a line, as compilers write them', async (t) => {
  const file = `${t.testdir({ 'ca.crt': 'nothing' })}/ca.crt`
  const { code, stderr } = await runCommand(['webhook-config', '--server', 'https://192.0.2.1', '--certificate-authority', file])
  t.equal(stderr, `${file}: holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)\n`)
  t.equal(code, 2)
})

test('a bug is exit code 70, and its stack is shown on demand', async (t) => {
  const env = preload("process.stdout.write = () => { throw new TypeError('boom', { cause: 'a fuse' }) }")
  const short = await runCommand(['version'], { env })
  t.equal(short.code, 70)
  t.match(short.stderr, /^internal error: boom\nThis is a bug of authn-webhook \d.*report it with what AUTHN_WEBHOOK_DEBUG=1 prints\.\n$/)

  const long = await runCommand(['version'], { env: { ...env, AUTHN_WEBHOOK_DEBUG: '1' } })
  t.equal(long.code, 70)
  t.match(long.stderr, /^TypeError: boom\n {4}at [^]*\ncaused by: a fuse\ninternal error: boom\n/)
})

test('a command ends when it is done, whatever a provider left open, and writes all of its result first', async t => {
  const groups = Array.from({ length: 20_000 }, (_, number) => `group-${number}-of-a-large-directory`)
  const cwd = t.testdir({
    'open.mjs': `setInterval(() => {}, 60_000)
      export default { contract: 1, kind: 'open', schema: {}, open: () => ({ authenticateToken: () => ({ user: { username: 'alice', groups: ${JSON.stringify(groups)} } }) }) }`,
    'authn-webhook.yaml': `apiVersion: authn-webhook/v1
tls: { certFile: tls/tls.crt, keyFile: tls/tls.key }
identityProviders: [{ name: open, kind: module, from: ./open.mjs, usernamePrefix: '', groupPrefix: '' }]`
  })
  t.equal((await runCommand(['certs', '--out', 'tls'], { cwd })).code, 0)
  t.match(await runCommand(['validate'], { cwd }), { code: 0, stdout: /is valid: open \(module\)\n$/ })
  const { code, stdout } = await runCommand(['review', '--token-file', '-', '-o', 'json'], { cwd, input: 'a token' })
  t.equal(code, 0)
  t.strictSame(JSON.parse(stdout).user.groups, groups)
  t.match(await runCommand(['serve', '--port', '0', '--host', '192.0.2.1'], { cwd }), { code: 69, stderr: /no address 192\.0\.2\.1/ })
})

test('a reader that has seen enough is no error', async (t) => {
  const child = startCommand(['completion', 'bash'])
  child.stdout!.destroy()
  const [[code], stderr] = await Promise.all([once(child, 'close'), text(child.stderr!)])
  t.equal(stderr, '')
  t.equal(code, 0)
})

test('Ctrl-C at a prompt is exit code 130, without a word', needs('script'), async (t) => {
  const { code, stdout } = await runOnTerminal(['hash', 'password'], [['New password: ', '\x03']])
  t.equal(code, 130)
  t.notMatch(stdout, /error/)
})

test('a full disk under stdout is a clear error', async t => {
  const full = openSync('/dev/full', 'w')
  t.teardown(() => { closeSync(full) })
  const stdout = await outcome(startCommand(['version'], { stdio: ['pipe', full, 'pipe'] }))
  t.equal(stdout.code, 69)
  t.match(stdout.stderr, /^error: cannot write to stdout: ENOSPC: [^\n]*\n$/)
  const stderr = await outcome(startCommand(['versoin'], { stdio: ['pipe', 'pipe', full] }))
  t.equal(stderr.code, 2, 'and under stderr changes nothing')
})
