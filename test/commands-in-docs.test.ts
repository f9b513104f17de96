/**
 * The commands of the documents that read the log: each runs as it is printed,
 * on what a service has really written, between lines that are not JSON.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test, type Test } from 'tap'
import { issueClient } from '../src/certificates/issue.js'
import { loginSection } from './fixtures/login-config.js'
import { needs } from './fixtures/packages.js'
import { alice, basicToken } from './fixtures/people.js'
import { authority, startService, tokenReview } from './fixtures/service.js'
import { until } from './fixtures/waiting.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const DOCUMENTS = ['README.md', 'charts/authn-webhook/README.md', ...readdirSync(join(ROOT, 'docs')).filter(name => name.endsWith('.md')).map(name => `docs/${name}`)]

interface Block { readonly document: string, readonly text: string }

const BLOCKS: Block[] = DOCUMENTS.flatMap(document => [...readFileSync(join(ROOT, document), 'utf8').matchAll(/^( *)```sh\n([\s\S]*?)^ *```/gm)]
  .map(([, indent, text]) => ({ document, text: text!.replaceAll(new RegExp(`^${indent}`, 'gm'), '') })))

/** What `kubectl logs` prints of two containers' worth of trouble: stdout and stderr in one, the first line cut by a rotation. */
const AROUND = [
  'ient":"kube-apiserver","fingerprint":"30b2c5","msg":"review"}',
  '(node:1) Warning: Setting the NODE_TLS_REJECT_UNAUTHORIZED environment variable makes TLS connections insecure',
  'authn-webhook: cannot write the log to stdout: ENOSPC: no space left on device, write; the service goes on and drops log lines once its queue is full',
  '42',
  '"text"',
  ''
]

const USERS = 'apiVersion: authn-webhook/v1\nusers: []\n'

/** The log of a service to which everything happened that a runbook looks for. */
async function troubledLog (t: Test): Promise<string> {
  const login = await loginSection(t)
  const service = await startService(t, {
    providers: {
      directory: {
        async authenticatePassword ({ username }, ctx) {
          if (username === 'erin') return { user: { username, groups: ['system:masters'] } }
          if (username === 'carol') throw new Error('connect ECONNREFUSED 192.0.2.1:636')
          return await ctx.attempt('bob', async () => 'incorrect') === 'correct' ? null : { denied: 'wrong-credential', username: 'bob' }
        },
        lookup: () => null
      }
    },
    files: { 'users.yaml': USERS },
    limits: { sweep: 10 },
    config: {
      identityProviders: [{ name: 'people', kind: 'static', usernamePrefix: '', groupPrefix: '', config: { usersFile: 'users.yaml' } }, { name: 'directory', kind: 'directory', usernamePrefix: '', groupPrefix: '' }],
      throttle: { maxFailures: 1 },
      login,
      // nothing listens there
      store: { kind: 'redis', url: 'redis://127.0.0.1:2' },
      tls: { clientCAFile: 'ca.crt' }
    }
  })
  const apiServer = await issueClient(authority, { commonName: 'kube-apiserver', days: 1 })
  for (const token of ['unknown', basicToken('carol', 'canary'), basicToken('erin', 'canary'), ...[1, 2, 3].map(each => basicToken('bob', `wrong ${each}`))]) await service.post(tokenReview(token), apiServer)
  await service.post(tokenReview(alice.token))
  await service.post({}, { path: '/elsewhere' })
  await postForm(`${login.issuer}/token`, { grant_type: 'password', client_id: 'production', username: 'carol', password: 'canary' })
  await writeFile(join(service.dir, 'users.new'), USERS.replace('[]', '[{ username: alice, uid: 1001 }]'))
  await rename(join(service.dir, 'users.new'), join(service.dir, 'users.yaml'))
  const expected = [/users file not reloaded/, /accepted client certificate/, /store is unavailable/]
  await until(`lines of the log that match ${expected.join(' and ')}`, () => expected.every(pattern => service.lines.some(({ msg }) => pattern.test(msg))))
  const lines = service.lines.map(line => JSON.stringify(line))
  return [...AROUND, ...lines, ...AROUND].join('\n')
}

async function postForm (url: string, fields: Record<string, string>): Promise<void> {
  await new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    request(url, { method: 'POST', ca: authority.cert, headers }, response => { response.resume().on('end', resolve) }).on('error', reject).end(new URLSearchParams(fields).toString())
  })
}

/** A directory with a `kubectl` that prints the log. */
function standIn (t: Test, log: string): string {
  const directory = t.testdir({ 'authn-webhook.log': log, kubectl: '#!/bin/sh\nexec cat authn-webhook.log\n' })
  chmodSync(join(directory, 'kubectl'), 0o755)
  return directory
}

test('commands that read the log find what they look for', needs('jq'), async t => {
  const cwd = standIn(t, await troubledLog(t))
  const commands = BLOCKS.flatMap(({ document, text }) => text.split('\n').filter(line => /\bjq\b/.test(line) && !line.includes('curl')).map(command => ({ document, command })))
  t.ok(commands.length >= 6, 'there are commands')
  for (const { document, command } of commands) {
    const { status, stdout, stderr } = spawnSync('bash', ['-c', `set -o pipefail\n${command}`], { cwd, encoding: 'utf8', env: { ...process.env, PATH: `${cwd}:${process.env['PATH']}` } })
    t.strictSame({ status, stderr }, { status: 0, stderr: '' }, `${document}: ${command}`)
    t.notMatch(stdout, /\bnull\b|^\s*$/, `${document}: it prints something, and no null: ${command}`)
  }
})

test('the one for a failed reload names file, line and error', needs('jq'), async t => {
  const cwd = standIn(t, await troubledLog(t))
  const command = BLOCKS.flatMap(({ text }) => text.split('\n')).find(line => line.includes('.errors'))!
  const output = execFileSync('bash', ['-c', command], { cwd, encoding: 'utf8', env: { ...process.env, PATH: `${cwd}:${process.env['PATH']}` } })
  t.match(output, /users\.yaml:2: users\[0\]\.uid: .*quote it/)
})

test('every command is one that a shell can read', t => {
  t.ok(BLOCKS.length > 20)
  const file = join(t.testdir({}), 'block.sh')
  for (const { document, text } of BLOCKS) {
    writeFileSync(file, text)
    const { status, stderr } = spawnSync('bash', ['-n', file], { encoding: 'utf8' })
    t.equal(status, 0, `${document}: ${text}${stderr}`)
  }
  t.end()
})
