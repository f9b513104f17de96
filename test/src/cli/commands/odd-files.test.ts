/** What is no regular file: where a service meets one, and where a person gives one to a command. */
import { execFile } from 'node:child_process'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { test } from 'tap'
import { digestToken } from '../../../../src/authn/token-digest.js'
import { EXECUTABLE, runCommand } from '../../../fixtures/command.js'
import { startServe, type Running } from '../../../fixtures/running.js'
import { authority, serving } from '../../../fixtures/service.js'

const run = promisify(execFile)
const CONFIG = `
apiVersion: authn-webhook/v1
server: { host: 127.0.0.1, port: 0 }
tls: { certFile: tls.crt, keyFile: tls.key }
identityProviders:
  - { name: people, kind: static, config: { usersFile: users.yaml } }
log: { format: json }
`

function users (...names: string[]): string {
  return `apiVersion: authn-webhook/v1\nusers:\n${names.map(name => `  - { username: ${name}, tokens: [{ name: t, hash: "${digestToken(`token-of-${name}`)}" }] }\n`).join('')}`
}

const FILES = { 'config.yaml': CONFIG, 'users.yaml': users('alice'), 'tls.crt': serving.cert, 'tls.key': serving.key, 'ca.crt': authority.cert }

/** A new file, renamed over the old one. */
function replace (file: string, text: string): void {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}

async function replaceByPipe (file: string): Promise<void> {
  await run('mkfifo', [`${file}.new`])
  renameSync(`${file}.new`, file)
}

test('a pipe in place of a file holds up neither reviews nor the next reload', async t => {
  const dir = t.testdir(FILES)
  const file = (name: string): string => join(dir, name)
  const running: Running = await startServe(t, ['--config', file('config.yaml')])
  const ask = async (name: string): Promise<string> =>
    (await runCommand(['review', '--server', `https://127.0.0.1:${running.port}`, '--certificate-authority', file('ca.crt'), '--token-file', '-'], { input: `token-of-${name}` })).stdout

  await replaceByPipe(file('users.yaml'))
  await running.until(/"level":"error".*users\.yaml: is not a regular file/)
  await replaceByPipe(file('tls.crt'))
  await running.until(/"level":"error".*tls\.crt: is not a regular file/)
  t.match(await ask('alice'), /^authenticated\n/, 'with the last good files')

  replace(file('users.yaml'), users('alice', 'bob'))
  await running.until(/"users":2,.*loaded users file/)
  replace(file('tls.crt'), serving.cert)
  await running.until(/serving certificate reloaded/)
  t.match(await ask('bob'), /^authenticated\n/)
  await running.stop()
})

const references: Array<[name: string, error: RegExp]> = [
  ['users.yaml', /users\.yaml: is not a regular file/],
  ['tls.crt', /tls\.crt: is not a regular file/],
  ['tls.key', /tls\.key: is not a regular file/]
]

for (const [name, error] of references) {
  test(`a config that names a pipe, ${name}, is wrong`, async t => {
    const dir = t.testdir(FILES)
    await replaceByPipe(join(dir, name))
    for (const command of ['validate', 'serve']) {
      const { code, stderr } = await runCommand([command, '--config', join(dir, 'config.yaml')])
      t.equal(code, 2, command)
      t.match(stderr, error)
    }
  })
}

test('a secret or a module that is a pipe', async t => {
  const config = CONFIG.replace('log: {', 'log: { fingerprintKey: { file: pipe },')
  const dir = t.testdir({ ...FILES, 'config.yaml': config, 'module.yaml': CONFIG.replace('kind: static', 'kind: module, from: ./pipe') })
  await run('mkfifo', [join(dir, 'pipe')])
  for (const name of ['config.yaml', 'module.yaml']) {
    const { code, stderr } = await runCommand(['validate', '--config', join(dir, name)])
    t.equal(code, 2)
    t.match(stderr, /pipe is not a regular file/, name)
  }
})

/** In bash, whose `<(…)` is a pipe; `$0` is the service's command. */
async function inBash (line: string, cwd: string): Promise<string> {
  const { stdout } = await run('bash', ['-c', `set -e; webhook () { ${process.execPath} ${EXECUTABLE} "$@"; }; ${line}`], { cwd })
  return stdout
}

const lines: Array<[what: string, line: string, expected: RegExp]> = [
  ['a token', 'webhook review --config config.yaml --token-file <(sleep 0.1; printf token-of-alice)', /^authenticated\nusername: {2}alice/],
  ['a password', 'webhook users add carol --password-file <(printf correct-horse) && webhook users list', /^carol /m],
  ['a CA', 'webhook webhook-config --server https://192.0.2.10 --embed-certs --certificate-authority <(cat ca.crt)', /certificate-authority-data/],
  ['a config', 'webhook validate --config <(sed "s#: \\(tls\\|users\\)#: $PWD/\\1#g" config.yaml)', /is valid/],
  ['users to list', 'webhook users list --users-file <(cat users.yaml)', /^alice /m],
  ['users to import', 'webhook users import --format csv <(echo "a-token-that-is-long-enough-0123456789,erin,7") && webhook users list', /^erin /m],
  ['stdin by its name', 'printf token-of-alice | webhook review --config config.yaml --token-file /dev/stdin', /^authenticated\n/]
]

for (const [what, line, expected] of lines) {
  test(`a command takes ${what} from a pipe`, async t => {
    t.match(await inBash(line, t.testdir(FILES)), expected)
  })
}

test('a users file that is changed is no pipe: there is nothing to write to', async t => {
  const dir = t.testdir(FILES)
  await run('mkfifo', [join(dir, 'pipe')])
  const { code, stderr } = await runCommand(['users', 'disable', 'alice', '--users-file', 'pipe'], { cwd: dir })
  t.equal(code, 2)
  t.equal(stderr, 'pipe: is not a regular file\n')
})
