/** What commands print of names, paths and answers that others have made up. */
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { test, type Test } from 'tap'
import { digestToken } from '../../../../src/authn/token-digest.js'
import { doctorCommand } from '../../../../src/cli/commands/doctor.js'
import { reviewCommand } from '../../../../src/cli/commands/review.js'
import { usersCommand } from '../../../../src/cli/commands/users.js'
import { runCommand, type Outcome } from '../../../fixtures/command.js'
import { runInProcess } from '../../../fixtures/command-in-process.js'
import { startServe } from '../../../fixtures/running.js'
import { authority, serving } from '../../../fixtures/service.js'

/** Clears the screen, in 7 and in 8 bits; turns the line round; begins lines of its own. */
const EVIL = 'a\u001b[2J\u009b2J\u202e\u2066b\r\n[+] fake\u2028[+] fake\u{e0061}'
const RAW = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|^\s*\[\+\] fake/mu

function isClean (t: Test, { stdout, stderr }: Pick<Outcome, 'stdout' | 'stderr'>, what: string): void {
  t.match(stdout + stderr, 'fake', `${what}: it is told`)
  t.notMatch(stdout, RAW, `${what}: stdout`)
  t.notMatch(stderr, RAW, `${what}: stderr`)
}

const CONFIG = {
  apiVersion: 'authn-webhook/v1',
  server: { host: '127.0.0.1', port: 0 },
  tls: { certFile: 'tls.crt', keyFile: 'tls.key' },
  identityProviders: [{ name: 'evil', kind: 'module', from: './provider.mjs' }],
  log: { format: 'text' }
}

const PROVIDER = `
const evil = ${JSON.stringify(EVIL)}
export default {
  contract: 1,
  kind: 'evil',
  schema: { type: 'object' },
  open: (config, ctx) => {
    ctx.log.warn({ [evil]: evil, err: new Error(evil), nested: [{ evil }] }, evil)
    return {
      authenticateToken: (token) => {
        if (token === 'throw') throw new Error(evil)
        return { user: { username: 'alice', extra: { team: [evil] } } }
      },
      lookup: (query, { explain }) => {
        explain?.(evil)
        if (query.username === 'throw') throw new Error(evil)
        if (query.username === 'nobody') return { denied: 'disabled', username: evil }
        return { user: { username: 'alice', groups: [evil], extra: { team: [evil] } } }
      }
    }
  }
}
`

const FILES = { 'config.yaml': JSON.stringify(CONFIG), 'provider.mjs': PROVIDER, 'tls.crt': serving.cert, 'tls.key': serving.key, 'ca.crt': authority.cert }

test('a users file', async t => {
  const user = { username: 'alice', extra: { team: [EVIL] }, tokens: [{ name: 't', hash: digestToken('x'), audiences: [EVIL] }] }
  const cwd = t.testdir({ 'users.yaml': JSON.stringify({ apiVersion: 'authn-webhook/v1', users: [user] }) })
  const list = async (...options: string[]): Promise<Outcome> => {
    const outcome = await runInProcess(usersCommand, ['users', 'list', ...options], { cwd })
    isClean(t, outcome, options.join(' '))
    return outcome
  }
  t.equal((await list('--wide')).stdout.trimEnd().split('\n').length, 2)
  for (const [format, parse] of [['json', JSON.parse], ['yaml', load]] as const) {
    t.match(parse((await list('-o', format)).stdout), [{ username: 'alice', extra: { team: [EVIL] } }], `${format} says what it is`)
  }
})

test('providers of a config', async t => {
  const cwd = t.testdir(FILES)
  for (const [input, ...args] of [
    ['x'], ['x', '--explain'], ['x', '-o', 'json'], ['x', '-o', 'yaml', '--explain'], ['throw', '--explain'], ['throw', '--explain', '-o', 'json']
  ] as const) isClean(t, await runInProcess(reviewCommand, ['review', '--config', 'config.yaml', '--token-file', '-', ...args], { cwd, input }), `${input} ${args.join(' ')}`)
  for (const args of [['alice'], ['alice', '--explain'], ['alice', '--explain', '-o', 'yaml'], ['nobody', '--explain'], ['throw']]) {
    isClean(t, await runInProcess(reviewCommand, ['review', '--config', 'config.yaml', '--username', ...args], { cwd }), args.join(' '))
  }
})

test('a service that is somebody else', async t => {
  const status = { authenticated: true, user: { username: EVIL, uid: EVIL, groups: [EVIL], extra: { [EVIL]: [EVIL] } }, audiences: [EVIL] }
  const answers: Record<string, [code: number, body: object]> = {
    '/user': [200, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', status }],
    '/error': [200, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', status: { authenticated: false, error: EVIL } }],
    '/version': [200, { apiVersion: EVIL, kind: 'TokenReview', status }],
    '/refusal': [401, { apiVersion: 'v1', kind: 'Status', message: EVIL }]
  }
  const server = createServer({ cert: serving.cert, key: serving.key }, (request, response) => {
    const [code, body] = answers[request.url!.split('?')[0]!]!
    request.resume().on('end', () => { response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body)) })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  const cwd = t.testdir(FILES)
  for (const path of Object.keys(answers)) {
    const target = ['--server', `https://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, '--certificate-authority', 'ca.crt']
    for (const format of [[], ['-o', 'json'], ['-o', 'yaml']]) {
      if (path !== '/version') isClean(t, await runInProcess(reviewCommand, ['review', ...target, '--token-file', '-', ...format], { cwd, input: 'x' }), `review ${path} ${format.join(' ')}`)
      isClean(t, await runInProcess(doctorCommand, ['doctor', ...target, ...format], { cwd }), `doctor ${path} ${format.join(' ')}`)
    }
  }
})

test('files that are wrong, and their names', async t => {
  const cwd = t.testdir(FILES)
  const kubeconfig = { apiVersion: 'v1', kind: 'Config', clusters: [{ name: EVIL, cluster: { server: 'https://192.0.2.1' } }], contexts: [{ name: 'c', context: { cluster: 'other' } }], 'current-context': 'c' }
  writeFileSync(join(cwd, 'kubeconfig'), JSON.stringify(kubeconfig))
  writeFileSync(join(cwd, 'keys.yaml'), JSON.stringify({ ...CONFIG, identityProviders: [{ name: 'm', kind: 'mock', config: { user: { username: 'm', extra: { [EVIL.replace(/[\r\n\u2028]/g, '')]: 1 } } } }] }))
  writeFileSync(join(cwd, 'paths.yaml'), JSON.stringify({ ...CONFIG, tls: { certFile: `${EVIL}.crt`, keyFile: 'tls.key' } }))
  writeFileSync(join(cwd, `${EVIL}.yaml`), 'a: [')
  mkdirSync(join(cwd, EVIL))
  writeFileSync(join(cwd, EVIL, 'ca.crt'), authority.cert)
  for (const args of [
    ['doctor', '--kubeconfig', 'kubeconfig'],
    ['review', '--kubeconfig', 'kubeconfig', '--token-file', '-'],
    ['validate', '--config', 'keys.yaml'],
    ['validate', '--config', 'keys.yaml', '-o', 'json'],
    ['validate', '--config', 'keys.yaml', '-o', 'yaml'],
    ['validate', '--config', 'paths.yaml'],
    ['serve', '--config', 'paths.yaml'],
    ['validate', '--config', `${EVIL}.yaml`],
    ['users', 'list', '--users-file', EVIL],
    ['users', 'add', 'alice', '--users-file', `${EVIL}.new`],
    ['users', 'disable', EVIL, '--users-file', `${EVIL}.new`],
    ['webhook-config', '--server', 'https://192.0.2.1', '--certificate-authority', `${EVIL}/ca.crt`],
    ['webhook-config', '--server', 'https://192.0.2.1', '--certificate-authority', `${EVIL}/ca.crt`, '-o', 'json'],
    ['certs', '--out', `${EVIL}/certs`]
  ]) isClean(t, await runCommand(args, { cwd, input: 'x' }), args.join(' ').replaceAll(EVIL, 'EVIL'))
  const config = await runCommand(['webhook-config', '--server', 'https://192.0.2.1', '--certificate-authority', `${EVIL}/ca.crt`], { cwd })
  t.equal((load(config.stdout) as any).clusters[0].cluster['certificate-authority'], join(cwd, EVIL, 'ca.crt'))
})

test('a command line', async t => {
  for (const args of [[`--${EVIL}`], [EVIL], ['users', EVIL], ['hash', 'token', '-o', EVIL]]) {
    const { stdout, stderr } = await runCommand(args)
    // commander's words have lines of their own
    t.notMatch(stdout + stderr, /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u)
    t.match(stderr, /u001b\[2J/)
  }
})

test('a log in text', async t => {
  const cwd = t.testdir(FILES)
  const config = { ...CONFIG, identityProviders: [{ ...CONFIG.identityProviders[0], usernamePrefix: 'a:', groupPrefix: 'a:' }] }
  writeFileSync(join(cwd, 'config.yaml'), JSON.stringify(config))
  const running = await startServe(t, ['--config', join(cwd, 'config.yaml')], { ready: /url: "https:\/\/[^"]*:(\d+)\// })
  const { stdout } = await runInProcess(reviewCommand, ['review', '--server', `https://127.0.0.1:${running.port}`, '--certificate-authority', 'ca.crt', '--token-file', '-'], { cwd, input: 'throw' })
  t.match(stdout, 'unavailable: ')
  await running.until(/reason: "failed"/)
  await running.stop()
  isClean(t, { stdout: running.stdout(), stderr: '' }, 'serve')
  t.match(running.stdout(), /^ +at /m, 'stacks keep their lines')
})
