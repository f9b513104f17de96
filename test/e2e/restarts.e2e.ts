/** Two replicas behind one address, while 200 clients call the API server. */
import { test, type Test } from 'tap'
import type { Running } from '../fixtures/running.js'
import { balance, type Balancer } from './balancer.js'
import { startCluster, type Cluster } from './cluster.js'
import { CLIENTS, LOAD_FILES, LOAD_PROVIDER, loseNone } from './load.js'
import { createWebhook, until, type Webhook } from './webhook.js'

interface Replica {
  readonly webhook: Webhook
  running: Running
}

interface Service {
  readonly cluster: Cluster
  readonly balancer: Balancer
  readonly replicas: readonly [Replica, Replica]
}

async function startReplicas (t: Test, server: Record<string, string>): Promise<Service> {
  const startReplica = async (): Promise<Replica> => {
    const webhook = await createWebhook(t, { identityProviders: [LOAD_PROVIDER], config: { server }, files: LOAD_FILES })
    return { webhook, running: await webhook.start() }
  }
  const replicas = await Promise.all([startReplica(), startReplica()])
  const webhooks = replicas.map(({ webhook }) => webhook)
  const balancer = await balance(t, webhooks)
  await until(async () => webhooks.every(balancer.takes), ready => ready)
  const cluster = await startCluster(t, { webhook: await webhooks[0]!.kubeconfig('--server', balancer.url) })
  return { cluster, balancer, replicas }
}

/** How many people got in by the process that runs now. */
async function admitted ({ webhook }: Replica): Promise<number> {
  return await webhook.metric(/^authn_webhook_token_reviews_total\{.*result="authenticated"/)
}

test('a rolling restart of two replicas refuses nobody', async t => {
  const { cluster, balancer, replicas: [first, second] } = await startReplicas(t, { shutdownDelay: '2s' })
  await loseNone(t, cluster, async () => {
    for (const [replica, other] of [[first, second], [second, first]] as const) {
      const before = await admitted(other)
      t.strictSame(await replica.running.stop('SIGTERM'), { code: 0, signal: null }, 'a replica ends well')
      replica.running = await replica.webhook.start()
      await until(async () => balancer.takes(replica.webhook), takes => takes)
      t.ok(await admitted(other) > before + CLIENTS, 'the other one has done the work')
    }
  })
})

test('connections that grow old refuse nobody, and give work to every replica', async t => {
  const { cluster, balancer, replicas } = await startReplicas(t, { maxConnectionAge: '1s' })
  const shares = async (): Promise<number[]> => await Promise.all(replicas.map(admitted))
  await loseNone(t, cluster, async () => {
    const { answer } = await until(shares, ([one, other]) => Math.min(one!, other!) > CLIENTS && one! + other! > 20 * CLIENTS)
    t.comment(`the replicas let ${answer.join(' and ')} people in, over ${balancer.connections.join(' and ')} connections`)
  })
})
