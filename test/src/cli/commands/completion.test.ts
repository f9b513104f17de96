import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { test } from 'tap'
import { runCommand } from '../../../fixtures/command.js'

const exec = promisify(execFile)
const [bash, zsh, fish] = await Promise.all(['bash', 'zsh', 'fish'].map(async (shell) => (await runCommand(['completion', shell])).stdout))

test('bash completes', async (t) => {
  const cwd = t.testdir({ 'authn-webhook.bash': bash!, 'ca crt.pem': '', tls: {} })
  // what readline does on Tab; words as it splits them
  // eslint-disable-next-line no-template-curly-in-string
  const script = 'source ./authn-webhook.bash; compopt () { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _authn_webhook; printf "%s\\n" "${COMPREPLY[@]}"'
  const complete = async (...words: string[]) => {
    const { stdout } = await exec('bash', ['--norc', '-c', script, 'bash', 'authn-webhook', ...words], { cwd })
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
  for (const [words, wanted] of cases) t.strictSame(await complete(...words), wanted, words.join(' '))
  t.match(execFileSync('bash', ['-c', 'source ./authn-webhook.bash; complete -p authn-webhook'], { cwd, encoding: 'utf8' }), 'complete -F _authn_webhook authn-webhook')
})

test('every shell knows every command and option', async (t) => {
  const program = await runCommand(['--help'])
  const commands = [...program.stdout.matchAll(/^ {2}([a-z][a-z-]+) /gm)].map(([, name]) => name!)
  t.ok(commands.length > 5)
  for (const command of commands) {
    t.match(bash, `'${command}') path='${command}'`)
    t.match(zsh, new RegExp(`^ {4}'${command}:`, 'm'))
    t.match(fish, `complete -c authn-webhook -n '__authn_webhook_at ""' -a ${command} -d '`)
  }
  t.match(zsh, /^#compdef authn-webhook\n/)
  t.match(zsh, "'*--san[a DNS name or IP address of the service, besides the usual ones; may be repeated]:value: '")
  t.match(zsh, "'(-o --output)-o[print the result as json or yaml]:value:(json yaml)'")
  t.match(zsh, "'(--out)--out[directory to write to]:value:_files -/'")
  t.match(zsh, "'1:argument:(bash zsh fish)'")
  t.match(fish, 'complete -c authn-webhook -n \'__authn_webhook_at "certs"\' -l out -x -a \'(__fish_complete_directories)\' -d \'directory to write to\'')
  t.match(fish, '-n \'__authn_webhook_at "certs"\' -s o -l output -x -a \'json yaml\'')
  t.match(fish, '-n \'__authn_webhook_at "webhook-config"\' -l certificate-authority -r -F -d \'the CA of the service\'\\\'\'s certificate')
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
