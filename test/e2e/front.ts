/**
 * Ends TLS in front of the service and goes on to it in the same protocol, byte
 * by byte: a test decides which protocols an API server is offered, sees which
 * one it and the service agreed on, and can have many requests arrive at once.
 */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type TLSSocket } from 'node:tls'
import type { Test } from 'tap'
import { FrameType, frameTypes } from '../fixtures/clients.js'
import { authority, serving } from '../fixtures/service.js'

export type Protocol = 'h2' | 'http/1.1'

export interface Front {
  /** For `webhook-config --server`. */
  readonly url: string
  /** What the service spoke on each connection since the last offer. */
  readonly spoken: () => readonly Protocol[]
  /** Ends every connection; the next ones may choose among these. */
  offer: (...protocols: readonly Protocol[]) => Promise<void>
  /** Holds back what API servers send until as many requests are there; resolves when all of them go on together. */
  gather: (requests: number) => Promise<void>
}

interface Connection {
  readonly client: TLSSocket
  readonly service: TLSSocket
  readonly protocol: Protocol
  /** What was held back. */
  held: Buffer
}

/** @param port of the service, on loopback */
export async function startFront (t: Test, port: number): Promise<Front> {
  let offered: readonly Protocol[] = ['h2', 'http/1.1']
  let spoken: Protocol[] = []
  let gathering: { readonly requests: number, readonly resolve: () => void } | undefined
  const open = new Set<Connection>()

  const server = createServer({
    cert: serving.cert,
    key: serving.key,
    ALPNCallback: ({ protocols }) => offered.find(protocol => protocols.includes(protocol))
  }, client => {
    const protocol = client.alpnProtocol as Protocol
    const service = connect({ host: '127.0.0.1', port, ca: authority.cert, servername: 'localhost', ALPNProtocols: [protocol] }, () => { spoken.push(service.alpnProtocol as Protocol) })
    const connection: Connection = { client, service, protocol, held: Buffer.alloc(0) }
    open.add(connection)
    client.on('data', (chunk: Buffer) => {
      connection.held = Buffer.concat([connection.held, chunk])
      if (gathering === undefined) return letGo(connection)
      const held = [...open].reduce((sum, each) => sum + requestsIn(each), 0)
      if (held < gathering.requests) return
      gathering.resolve()
      gathering = undefined
      open.forEach(letGo)
    })
    service.pipe(client)
    client.on('error', () => {}).once('close', () => { service.destroy(); open.delete(connection) })
    service.on('error', () => {}).once('close', () => { client.destroy() })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const { client } of open) client.destroy()
  })
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spoken: () => spoken,
    async offer (...protocols) {
      offered = protocols
      // closed is what both sides know of: the API server's next call can't take one of these
      await Promise.all([...open].map(async ({ client }) => { await once(client.end(), 'close') }))
      spoken = []
    },
    gather: async requests => { await new Promise<void>(resolve => { gathering = { requests, resolve } }) }
  }
}

function letGo (connection: Connection): void {
  connection.service.write(connection.held)
  connection.held = Buffer.alloc(0)
}

/** HTTP/2 frames can be counted only where the preface has passed before. */
function requestsIn ({ protocol, held }: Connection): number {
  return protocol === 'h2' ? frameTypes(held).filter(type => type === FrameType.headers).length : held.toString('latin1').split('POST /').length - 1
}
