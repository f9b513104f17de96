/** `doctor --admin-kubeconfig` on a live API server: each step that can fail is broken once, and must be the one that is named. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { createCA, issueServing } from '../../src/certificates/issue.js'
import { runCommand } from '../fixtures/command.js'
import { alice, bob, carol } from '../fixtures/people.js'
import { serving } from '../fixtures/service.js'
import { startCluster } from './cluster.js'
import { createWebhook, env, usersFile } from './webhook.js'

/** Can't tell while there is a file `down` beside it. */
const MOODY_PROVIDER = `
import { existsSync } from 'node:fs'
export default {
  contract: 1,
  kind: 'moody',
  schema: { type: 'object' },
  open: (_, { resolvePath }) => ({ authenticateToken () {
    if (existsSync(resolvePath('down'))) throw new Error('the directory is down')
    return null
  } })
}
`

test('doctor names the step that fails', async t => {
  const webhook = await createWebhook(t, {
    identityProviders: [
      { name: 'people', kind: 'static', config: { usersFile: 'users.yaml' } },
      { name: 'directory', kind: 'module', from: './moody.mjs', cache: { maxEntries: 0 } }
    ],
    files: { 'users.yaml': usersFile([alice, carol]), 'moody.mjs': MOODY_PROVIDER }
  })
  const kubeconfig = await webhook.kubeconfig()
  const cluster = await startCluster(t, { webhook: kubeconfig, cacheTTL: '1s' })
  let running = await webhook.start()

  interface Check { readonly name: string, readonly outcome: string, readonly message: string }
  /** @returns the exit code and the checks of the API server by their names */
  const doctor = async ({ token, admin = cluster.adminKubeconfig, file = kubeconfig }: { token?: string, admin?: string, file?: string }) => {
    const { code, stdout } = await runCommand([
      'doctor', '--kubeconfig', file, '--admin-kubeconfig', admin, '-o', 'json', ...token === undefined ? [] : ['--token-file', '-']
    ], { cwd: webhook.dir, env, ...token !== undefined && { input: token } })
    const checks = (JSON.parse(stdout).checks as Check[]).filter(({ name, outcome }) => name.startsWith('api-server-') && outcome !== 'skipped')
    return { code, outcomes: Object.fromEntries(checks.map(({ name, outcome }) => [name, outcome])), last: checks.at(-1)?.message }
  }
  const reached = { 'api-server-connect': 'ok', 'api-server-permission': 'ok' }

  await t.test('all is well', async t => {
    t.match(await doctor({ token: alice.token }), {
      code: 0, outcomes: { ...reached, 'api-server-webhook': 'ok', 'api-server-review': 'ok' }, last: /authenticates this token as "alice"/
    })
    t.match(await doctor({}), { code: 0, outcomes: { ...reached, 'api-server-webhook': 'warning', 'api-server-review': 'ok' } }, 'a token that nobody has')
  })

  await t.test('the token is wrong', async t => {
    t.match(await doctor({ token: bob.token }), { code: 1, outcomes: { ...reached, 'api-server-review': 'failed' }, last: /the service denies this token/ })
  })

  await t.test('the admin may not ask', async t => {
    const document = JSON.parse(await readFile(cluster.tokenKubeconfig, 'utf8'))
    document.users[0].user.token = alice.token
    const admin = join(webhook.dir, 'alice.yaml')
    await writeFile(admin, JSON.stringify(document))
    t.match(await doctor({ admin }), { code: 1, outcomes: { 'api-server-connect': 'ok', 'api-server-permission': 'failed' } })
  })

  await t.test('the API server asks another webhook', async t => {
    const other = await createWebhook(t, { identityProviders: [{ name: 'people', kind: 'static', config: { usersFile: 'users.yaml' } }], files: { 'users.yaml': usersFile([bob]) } })
    await other.start()
    t.match(await doctor({ token: bob.token, file: await other.kubeconfig() }), {
      code: 1, outcomes: { ...reached, 'api-server-webhook': 'failed' }, last: /denies a token that the service authenticates as "bob"/
    })
  })

  await t.test('the provider is down', async t => {
    await webhook.replace('down', '')
    t.match(await doctor({ token: 'a-token-not-seen-before' }), { code: 69, outcomes: { ...reached, 'api-server-webhook': 'ok', 'api-server-review': 'unavailable' }, last: /identity provider "directory" is unavailable/ })
  })

  await t.test('the API server does not trust the certificate', async t => {
    const stranger = await createCA({ commonName: 'stranger', days: 1 })
    const { cert, key } = await issueServing(stranger, { names: ['127.0.0.1'], days: 1 })
    await webhook.replace('tls.key', key)
    await webhook.replace('tls.crt', cert)
    await running.stop()
    running = await webhook.start()
    t.match(await doctor({ token: carol.token }), { code: 1, outcomes: { ...reached, 'api-server-webhook': 'failed' }, last: /certificate signed by unknown authority/ })
    await webhook.replace('tls.key', serving.key)
    await webhook.replace('tls.crt', serving.cert)
  })

  await t.test('the service is down', async t => {
    await running.stop()
    t.match(await doctor({ token: 'another-token-not-seen-before' }), { outcomes: { ...reached, 'api-server-webhook': 'failed' }, last: /connection refused/ })
  })
})
