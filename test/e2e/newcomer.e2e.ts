/** What somebody does on the first evening, with commands alone: the tutorial on one machine. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { runCommand } from '../fixtures/command.js'
import { alice, basicToken, bob, carol } from '../fixtures/people.js'
import { startServe } from '../fixtures/running.js'
import { freePorts } from '../fixtures/child.js'
import { startCluster } from './cluster.js'
import { env } from './webhook.js'

const FORBIDDEN = (username: string): string => `Error from server (Forbidden): namespaces is forbidden: User "${username}" cannot list resource "namespaces" in API group "" at the cluster scope\n`
const UNAUTHORIZED = 'error: You must be logged in to the server (Unauthorized)\n'

const config = (provider: object): string => JSON.stringify({
  apiVersion: 'authn-webhook/v1',
  server: { host: '127.0.0.1' },
  tls: { certFile: 'tls/tls.crt', keyFile: 'tls/tls.key' },
  log: { format: 'json' },
  identityProviders: [provider]
})

test('from certificates to a list of pods', async t => {
  const cwd = t.testdir({
    'mock.yaml': config({ name: 'mock', kind: 'mock', config: { allowMock: true } }),
    'people.yaml': config({ name: 'people', kind: 'static', config: { usersFile: 'users.yaml' } })
  })
  const [port] = await freePorts(1)
  /** Types a command and expects it to do well; @returns what it printed */
  const type = async (args: string, input?: string): Promise<string> => {
    const { code, stdout, stderr } = await runCommand(args.split(' '), { cwd, env, ...input !== undefined && { input } })
    if (code !== 0) throw new Error(`authn-webhook ${args} ended with ${code}: ${stderr}`)
    return stdout
  }

  await type('certs --out tls')
  await writeFile(join(cwd, 'webhook.yaml'), await type(`webhook-config --server https://127.0.0.1:${port} --certificate-authority tls/ca.crt`))
  const cluster = await startCluster(t, { webhook: join(cwd, 'webhook.yaml') })
  const kubectl = async (token: string, ...args: string[]): Promise<string> => {
    const { stdout, stderr } = await cluster.kubectl(...args, `--token=${token}`, `--kubeconfig=${cluster.tokenKubeconfig}`)
    return stdout + stderr
  }
  const serve = async (file: string) => await startServe(t, ['--config', file, '--port', String(port)], { cwd, env })

  await t.test('the mock takes everybody for a user without rights', async t => {
    const mock = await serve('mock.yaml')
    t.equal(await kubectl('any-token', 'get', 'ns'), FORBIDDEN('mock'))
    await mock.stop()
  })

  await t.test('people of a users file', async t => {
    await type('users add alice --group developers --password-file -', alice.password)
    const robot = (await type('users add robot --group developers --token pipeline')).match(/awt_\w+/)?.[0]
    await type('users add carol --expires 2099-01-01T00:00:00Z --password-file -', carol.password)
    // as time passes: the command refuses what is over
    await writeFile(join(cwd, 'users.yaml'), (await readFile(join(cwd, 'users.yaml'), 'utf8')).replace('2099', '2020'))
    await serve('people.yaml')
    const alicesToken = (await type('token --username alice', alice.password)).trim()

    t.equal(await kubectl(alicesToken, 'get', 'ns'), FORBIDDEN('alice'), 'a password')
    t.equal(await kubectl(robot!, 'get', 'ns'), FORBIDDEN('robot'), 'a token that was made for it')
    const strangers = {
      'a wrong password': basicToken('alice', 'wrong'),
      'an expired account': basicToken('carol', carol.password),
      'an unknown user': basicToken('bob', bob.password),
      'an unknown token': bob.token
    }
    for (const [who, token] of Object.entries(strangers)) t.match(await kubectl(token, 'get', 'ns'), UNAUTHORIZED, who)

    t.match(await kubectl(alicesToken, 'get', 'pods'), /pods is forbidden: User "alice"/)
    const admin = `--kubeconfig=${cluster.adminKubeconfig}`
    t.equal((await cluster.kubectl('create', 'role', 'reader', '--verb=list', '--resource=pods', admin)).code, 0)
    t.equal((await cluster.kubectl('create', 'rolebinding', 'developers', '--role=reader', '--group=developers', admin)).code, 0)
    t.equal(await kubectl(alicesToken, 'get', 'pods'), 'No resources found in default namespace.\n', 'once a RoleBinding names the group')
  })
})
