/**
 * What stands before the replicas of a Service: new connections go in turn to
 * those that were ready when last looked at, open ones are left alone, and
 * nothing is tried twice. As kube-proxy does it; bytes are not looked at.
 */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Webhook } from './webhook.js'

/** Milliseconds between two looks at a replica, as a quick kubelet would have it. */
const PROBE_PERIOD = 200

export interface Balancer {
  readonly url: string
  /** How many connections each replica has been given, in the order of the replicas. */
  readonly connections: number[]
  /** Whether new connections go to a replica. */
  takes: (replica: Webhook) => boolean
}

export async function balance (t: Test, replicas: readonly Webhook[]): Promise<Balancer> {
  const endpoints = new Set<Webhook>()
  const connections = replicas.map(() => 0)
  const sockets = new Set<Socket>()
  let turn = 0

  const server = createServer({ allowHalfOpen: true, noDelay: true }, client => {
    const ready = replicas.filter(replica => endpoints.has(replica))
    const replica = ready[turn++ % ready.length]
    if (replica === undefined) return client.destroy()
    connections[replicas.indexOf(replica)]! += 1
    join(client, connect({ port: replica.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }))
  })
  function join (client: Socket, upstream: Socket): void {
    for (const [one, other] of [[client, upstream], [upstream, client]] as const) {
      sockets.add(one)
      one.pipe(other)
      // not a reset: Node never ends a socket that is reset while it is being shut down
      one.on('error', () => { other.destroy() })
      one.on('close', () => { sockets.delete(one) })
    }
  }

  const probing = new AbortController()
  const probes = replicas.map(async replica => { await probe(replica, endpoints, probing.signal) })
  t.teardown(async () => {
    probing.abort()
    server.close()
    for (const socket of sockets) socket.destroy()
    await Promise.all(probes)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, connections, takes: replica => endpoints.has(replica) }
}

async function probe (replica: Webhook, endpoints: Set<Webhook>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    if (await replica.ready()) endpoints.add(replica)
    else endpoints.delete(replica)
    await sleep(PROBE_PERIOD)
  }
}
