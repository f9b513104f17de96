/** What a running service takes up by itself, step by step as docs/operations.md has it, while 200 clients call the API server. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { appendFile, copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { test, type Test } from 'tap'
import { digestToken } from '../../src/authn/token-digest.js'
import { runCommand } from '../fixtures/command.js'
import { alice, bob, carol } from '../fixtures/people.js'
import { balance, type Balancer } from './balancer.js'
import { startCluster, type Cluster } from './cluster.js'
import { CLIENTS, LOAD_FILES, LOAD_PROVIDER, loseNone, strangers, type Credentials } from './load.js'
import { createWebhook, env, until, usersFile, type Webhook } from './webhook.js'

const CAROLS_PHONE = 'canary-carol-phone-3d92a7c05be84f16'

/** Half of the clients are people of the users file, with a token for each of many calls. */
const STAFF = Array.from({ length: CLIENTS / 2 }, (_, person) => ({
  username: `staff-${person}`,
  tokens: Array.from({ length: 50 }, (_, n) => `canary-staff-${person}-token-${n}-8c1f6e04`)
}))

const withTokens = (user: object, tokens: readonly string[]): object => ({ ...user, tokens: tokens.map((token, n) => ({ name: `token-${n}`, hash: digestToken(token) })) })
const BOB = withTokens(bob.user, [bob.token])
const CAROL = withTokens(carol.user, [carol.token, CAROLS_PHONE])

/** Alice, all of the staff, and somebody else. */
function usersWith (entry: object): string {
  return usersFile([alice], [entry, ...STAFF.map(({ username, tokens }) => withTokens({ username }, tokens))])
}

function staffAndStrangers (): Credentials {
  const stranger = strangers()
  return (client, call) => {
    const person = STAFF[client]
    return person === undefined ? stranger(client, call) : { token: person.tokens[call % person.tokens.length]!, username: person.username }
  }
}

class Service {
  constructor (readonly webhook: Webhook, readonly balancer: Balancer) {}

  file (name: string): string {
    return join(this.webhook.dir, name)
  }

  /** Types a command and expects it to do well. */
  async type (args: string, input = ''): Promise<void> {
    const { code, stdout, stderr } = await runCommand(args.split(' '), { cwd: this.webhook.dir, env, input })
    if (code !== 0) throw new Error(`authn-webhook ${args} ended with ${code}: ${stderr}${stdout}`)
  }

  async kubeconfig (authority: string, client: string): Promise<string> {
    return await this.webhook.kubeconfig('--server', this.balancer.url, '--certificate-authority', authority,
      '--client-certificate', `${client}.crt`, '--client-key', `${client}.key`, '--embed-certs')
  }

  /** Waits until what is done to a source's files is in force; @returns how long that took in milliseconds */
  async reloads (source: 'certificate' | 'people', change: () => Promise<void>): Promise<number> {
    const count = async (): Promise<number> => await this.webhook.metric(new RegExp(`^authn_webhook_reloads_total{source="${source}",result="success"}`))
    const before = await count()
    await change()
    return (await until(count, now => now > before)).duration
  }

  /** Waits until the API server has opened another connection. */
  async meets (): Promise<void> {
    const connections = async (): Promise<number> => this.balancer.connections[0]!
    const before = await connections()
    await until(connections, now => now > before)
  }

  /** Of the certificate that the port shows now. */
  async fingerprint (): Promise<string | undefined> {
    const socket = connect({ port: this.webhook.port, host: '127.0.0.1', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const fingerprint = socket.getPeerX509Certificate()?.fingerprint256
    socket.destroy()
    return fingerprint
  }
}

async function fingerprintOf (file: string): Promise<string> {
  return new X509Certificate(await readFile(file)).fingerprint256
}

/** An API server reads its webhook config at its start only: it trusts the next authority from the first. */
async function start (t: Test): Promise<{ cluster: Cluster, service: Service }> {
  const webhook = await createWebhook(t, {
    identityProviders: [{ name: 'people', kind: 'static', config: { usersFile: 'users.yaml' } }, LOAD_PROVIDER],
    config: {
      // within a second or two the API server comes back, and sees what is new
      server: { maxConnectionAge: '1s' },
      tls: { certFile: 'tls/tls.crt', keyFile: 'tls/tls.key', clientCAFile: 'tls/ca.crt', clientNames: ['kube-apiserver'] }
    },
    files: { ...LOAD_FILES, 'users.yaml': usersWith(CAROL) }
  })
  const balancer = await balance(t, [webhook])
  const service = new Service(webhook, balancer)
  await service.type('certs --out tls --client kube-apiserver')
  await service.type('certs --out tls-new --client kube-apiserver')
  await writeFile(service.file('both.crt'), await readFile(service.file('tls/ca.crt'), 'utf8') + await readFile(service.file('tls-new/ca.crt'), 'utf8'))
  await webhook.start()
  await until(async () => balancer.takes(webhook), takes => takes)
  return { service, cluster: await startCluster(t, { webhook: await service.kubeconfig('both.crt', 'tls/kube-apiserver') }) }
}

test('a running service takes up', async t => {
  const { cluster, service } = await start(t)

  await t.test('a renewed serving certificate', async t => {
    const old = await service.fingerprint()
    await loseNone(t, cluster, async () => {
      const duration = await service.reloads('certificate', async () => { await service.type('certs --out tls --renew') })
      t.comment(`taken up ${Math.round(duration)} ms after the command`)
      t.not(await service.fingerprint(), old)
      t.equal(await service.fingerprint(), await fingerprintOf(service.file('tls/tls.crt')), 'the port shows it')
      await service.meets()
    })
  })

  await t.test('another users file', async t => {
    t.equal((await cluster.call(carol.token)).code, 403, 'carol is in')
    await loseNone(t, cluster, async () => {
      const duration = await service.reloads('people', async () => { await service.webhook.replace('users.yaml', usersWith(BOB)) })
      t.comment(`taken up after ${Math.round(duration)} ms`)
      t.equal((await cluster.call(bob.token)).code, 403, 'bob is in from now on')
      t.equal((await cluster.call(CAROLS_PHONE)).code, 401, 'carol is out, by a token that the API server does not remember')
    }, staffAndStrangers())
  })

  await t.test('another authority, where both are trusted on the way', async t => {
    const next = await service.kubeconfig('tls-new/ca.crt', 'tls-new/kube-apiserver')
    const review = `review --kubeconfig ${next} --token-file -`
    await t.rejects(service.type(review, alice.token), 'an API server with the new certificates alone is not served at first')
    await loseNone(t, cluster, async () => {
      await service.reloads('certificate', async () => { await appendFile(service.file('tls/ca.crt'), await readFile(service.file('tls-new/ca.crt'))) })
      await service.meets()
      await service.reloads('certificate', async () => {
        await copyFile(service.file('tls-new/tls.crt'), service.file('tls/tls.crt'))
        await copyFile(service.file('tls-new/tls.key'), service.file('tls/tls.key'))
      })
      t.equal(await service.fingerprint(), await fingerprintOf(service.file('tls-new/tls.crt')), 'the port shows the new leaf')
      await service.meets()
      await service.type(review, alice.token)
    })
    await service.reloads('certificate', async () => { await copyFile(service.file('tls-new/ca.crt'), service.file('tls/ca.crt')) })
    await service.type(review, alice.token)
    const stranger = strangers()
    let calls = 0
    await until(async () => (await cluster.call(stranger(0, calls++).token)).code, code => code === 401)
    t.pass('without the old authority, an API server with an old certificate asks in vain')
  })
})
