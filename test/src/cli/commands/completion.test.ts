import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { test } from 'tap'
import { EXECUTABLE, runCommand } from '../../../fixtures/command.js'

const exec = promisify(execFile)
const [bash, zsh, fish] = await Promise.all(['bash', 'zsh', 'fish'].map(async (shell) => (await runCommand(['completion', shell])).stdout))

/** What the scripts get for a command line, as [word, description], or [directive]. */
async function complete (...words: string[]): Promise<string[][]> {
  const { stdout } = await runCommand(['__complete', '--', ...words])
  return stdout.split('\n').filter(line => line !== '').map(line => line.split('\t'))
}

test('bash completes', async (t) => {
  const directory = t.testdir({ bin: {}, home: { 'authn-webhook.bash': bash!, 'ca crt.pem': '', tls: {} } })
  const cwd = join(directory, 'home')
  const env = { ...process.env, PATH: `${join(directory, 'bin')}${delimiter}${process.env['PATH']}` }
  writeFileSync(join(directory, 'bin/authn-webhook'), `#!/bin/sh\nexec '${process.execPath}' '${EXECUTABLE}' "$@"\n`, { mode: 0o755 })
  // what readline does on Tab; words as it splits them
  // eslint-disable-next-line no-template-curly-in-string
  const script = 'source ./authn-webhook.bash; compopt () { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _authn_webhook; printf "%s\\n" "${COMPREPLY[@]}"'
  const tab = async (...words: string[]) => {
    const { stdout } = await exec('bash', ['--norc', '-c', script, 'bash', 'authn-webhook', ...words], { cwd, env })
    return stdout.split('\n').filter((word) => word !== '').sort()
  }
  const cases: Array<[words: string[], wanted: string[]]> = [
    [['ver'], ['version']],
    [['c'], ['certs', 'completion']],
    [['users', 'add'], ['add', 'add-token']],
    [['users', 'd'], ['disable']],
    [['users', 'edit', '--'], ['--add-group', '--expires', '--help', '--no-expires', '--no-uid', '--remove-group', '--uid', '--users-file']],
    [['hash', ''], ['help', 'password', 'token']],
    [['completion', ''], ['bash', 'fish', 'zsh']],
    [['certs', '--'], ['--client', '--help', '--out', '--output', '--renew', '--san']],
    [['certs', '-o', ''], ['json', 'yaml']],
    [['certs', '--output', '=', 'j'], ['json']],
    [['certs', '--output', '='], ['json', 'yaml']],
    [['certs', '--out', ''], ['tls']],
    [['certs', '--san', ''], []],
    [['certs', '--san', 'version', '--re'], ['--renew']],
    [['certs', '--out', 'certs', '-o', 'json', '--cl'], ['--client']],
    [['webhook-config', '--certificate-authority', 'c'], ['ca crt.pem']],
    [['version', ''], []],
    [['-'], ['--help', '--version', '-h']]
  ]
  for (const [words, wanted] of cases) t.strictSame(await tab(...words), wanted, words.join(' '))
  t.match(execFileSync('bash', ['-c', 'source ./authn-webhook.bash; complete -p authn-webhook'], { cwd, encoding: 'utf8' }), 'complete -F _authn_webhook authn-webhook')
})

test('every shell gets every command and option, with its description', async (t) => {
  for (const script of [bash, zsh, fish]) t.match(script, '__complete -- ')
  t.match(zsh, /^#compdef authn-webhook\n/)
  const { stdout } = await runCommand(['--help'])
  const commands = [...stdout.matchAll(/^ {2}([a-z][a-z-]+)(?: \S+)? {2,}\S/gm)].map(([, name]) => name!)
  t.ok(commands.length > 5)
  const words = await complete('')
  t.strictSame(words.map(([word]) => word), commands)
  t.ok(words.every(([, description]) => description !== ''))
  const find = async (...words: string[]) => (await complete(...words)).find(([word]) => word === words.at(-1))
  t.strictSame(await find('certs', '--san'), ['--san', 'additional DNS name or IP address of the service; repeatable'])
  t.strictSame(await find('certs', '-o'), ['-o', 'print the result as json or yaml'])
  t.strictSame(await find('webhook-config', '--certificate-authority'), ['--certificate-authority', "CA of the service's certificate: ca.crt of `certs`"])
  t.strictSame(await complete('certs', '--out', ''), [[':directories']])
  t.strictSame(await complete('webhook-config', '--certificate-authority', ''), [[':files']])
  t.strictSame(await complete('completion', ''), [['bash', ''], ['zsh', ''], ['fish', '']])
  t.strictSame(await complete('certs', '--output=j'), [['--output=json', '']], 'one word in zsh and fish')
  t.strictSame(await complete('certs', '--unknown=j'), [])
})

test('the scripts have no syntax error', async (t) => {
  const directory = t.testdir({})
  for (const [shell, script] of [['bash', bash!], ['zsh', zsh!], ['fish', fish!]] as const) {
    const file = join(directory, shell)
    writeFileSync(file, script)
    const { error, status, stderr } = spawnSync(shell, ['-n', file], { encoding: 'utf8' })
    t.strictSame({ status, stderr }, { status: 0, stderr: '' }, shell, { skip: error === undefined ? false : `no ${shell} here` })
  }
})

test('an unknown shell is refused', async (t) => {
  t.match(await runCommand(['completion', 'powershell']), { code: 2, stderr: /Allowed choices are bash, zsh, fish/ })
  t.match(await runCommand(['completion']), { code: 2, stderr: /missing required argument 'shell'/ })
})
