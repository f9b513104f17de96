/** What `login kubeconfig` writes, in the hands of a real kubectl. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { test, type Test } from 'tap'
import { runCommand, type Outcome } from '../fixtures/command.js'
import { authority, serving } from '../fixtures/service.js'
import { tool } from './cluster.js'

const run = promisify(execFile)
const SIGN_IN = ['--issuer', 'https://login.example.com', '--client', 'production']
/** Ends as the credential plugin does that has a token. */
const PLUGIN = `#!/bin/sh
echo "$@" >> "$0.args"
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"canary-token"}}'
`

const kubectl = async (args: string[], env: Record<string, string> = {}): Promise<string> =>
  (await run(tool('KUBECTL'), args, { env: { ...process.env, HOME: '/nonexistent', ...env } })).stdout

const kubeconfig = async (...args: string[]): Promise<Outcome> => await runCommand(['login', 'kubeconfig', ...SIGN_IN, ...args])

/** An API server that knows one path, and who asked for it. */
async function startApiServer (t: Test): Promise<{ url: string, seen: string[] }> {
  const seen: string[] = []
  const server = createServer({ cert: serving.cert, key: serving.key }, (request, response) => {
    seen.push(request.headers.authorization ?? '')
    response.setHeader('content-type', 'application/json').end('{"major":"1","minor":"36","gitVersion":"v1.36.0"}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

test('kubectl reads it as it was meant, whatever the name', async t => {
  const dir = t.testdir({ 'ca.crt': authority.cert, 'login.crt': serving.cert })
  for (const [index, name] of ['production', 'yes', '0777', '1:20', '~', '2026-11-27', "it's # a: name"].entries()) {
    const file = join(dir, `config-${index}`)
    const args = ['--name', name, '--server', 'https://api.example.com:6443', '--certificate-authority', join(dir, 'ca.crt'), '--issuer-certificate-authority', join(dir, 'login.crt')]
    writeFileSync(`${file}.printed`, (await kubeconfig(...args)).stdout)
    t.equal((await kubeconfig(...args, '--into', file)).code, 0)
    const [printed, added] = await Promise.all([`${file}.printed`, file].map(async each => JSON.parse(await kubectl(['--kubeconfig', each, 'config', 'view', '--raw', '--output', 'json']))))
    t.strictSame(added, printed, 'printed and added are the same')
    t.match(added, {
      clusters: [{ name, cluster: { server: 'https://api.example.com:6443', 'certificate-authority-data': Buffer.from(authority.cert).toString('base64') } }],
      users: [{ name, user: { exec: { command: 'authn-webhook', interactiveMode: 'IfAvailable', installHint: /Ask your administrator/, args: ['login', '--issuer=https://login.example.com', '--client=production', `--certificate-authority-data=${Buffer.from(serving.cert).toString('base64')}`] } } }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      'current-context': name
    })
  }
})

test('kubectl runs the plugin, and sends its token', async t => {
  const { url, seen } = await startApiServer(t)
  const dir = t.testdir({ bin: { 'authn-webhook': PLUGIN }, 'ca.crt': authority.cert })
  chmodSync(join(dir, 'bin/authn-webhook'), 0o755)
  const file = join(dir, 'config')
  await kubeconfig('--server', url, '--certificate-authority', join(dir, 'ca.crt'), '--into', file)
  const PATH = `${join(dir, 'bin')}:${process.env['PATH']}`
  t.match(await kubectl(['--kubeconfig', file, 'get', '--raw', '/version'], { PATH }), 'v1.36.0')
  t.strictSame(seen, ['Bearer canary-token'])
  t.equal(readFileSync(join(dir, 'bin/authn-webhook.args'), 'utf8'), 'login --issuer=https://login.example.com --client=production\n')

  const missing = await kubectl(['--kubeconfig', file, 'get', '--raw', '/version'], { PATH: '/nonexistent' }).catch((error: { stderr: string }) => error.stderr)
  t.match(missing, /authn-webhook is not installed or not in the PATH\. Ask your administrator/, 'the hint')

  t.test('with a policy for credential plugins', async t => {
    const { stderr } = await kubeconfig('--server', url)
    const [, lines = ''] = /kuberc:\n([^]*)$/.exec(stderr) ?? []
    const printed = lines.replace(/^ {2}/gm, '')
    const withPolicy = async (policy: string): Promise<string> => {
      writeFileSync(join(dir, 'kuberc'), `apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n${policy}`)
      return await kubectl(['--kuberc', join(dir, 'kuberc'), '--kubeconfig', file, 'get', '--raw', '/version'], { PATH }).catch((error: { stderr: string }) => error.stderr)
    }
    t.match(await withPolicy(printed), 'v1.36.0', 'with the lines that the command prints')
    t.match(await withPolicy(printed.replace('command:', 'name:')), 'v1.36.0', 'with those for kubectl 1.35')
    t.match(await withPolicy(printed.replace(': authn-webhook', ': other')), 'not permitted by the credential plugin allowlist')
  })
})

test('changes of kubectl config are never lost, however many commands run beside it', async t => {
  const file = join(t.testdir({ config: 'apiVersion: v1\nkind: Config\n' }), 'config')
  const names = Array.from({ length: 8 }, (_, index) => `cluster-${index}`)
  // gives up at once if the file is locked; and removes what was added since it read the file
  const withKubectl = async (name: string): Promise<void> => {
    try {
      await kubectl(['--kubeconfig', file, 'config', 'set-cluster', name, '--server=https://192.0.2.1'])
    } catch (error) {
      if (!(error as { stderr: string }).stderr.includes('config.lock: file exists')) throw error
      await withKubectl(name)
    }
  }
  const oneByOne = async (): Promise<void> => { for (const name of names) await withKubectl(name) }
  const added = names.map(async name => await kubeconfig('--name', `added-${name}`, '--server', 'https://api.example.com:6443', '--into', file))
  await Promise.all([oneByOne(), ...added])
  for (const { code, stderr } of await Promise.all(added)) t.equal(code, 0, stderr)
  const { clusters } = JSON.parse(await kubectl(['--kubeconfig', file, 'config', 'view', '--output', 'json']))
  t.strictSame(clusters.map(({ name }: { name: string }) => name).filter((name: string) => !name.startsWith('added-')), names)
})
