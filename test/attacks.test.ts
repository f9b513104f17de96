/**
 * What somebody can do to the real process who reaches its port and has no
 * credential. After every attack it has to be well: alive, reachable, serving the
 * API server, and within the memory of its container.
 */
import { once } from 'node:events'
import { readdirSync, renameSync, writeFileSync } from 'node:fs'
import { connect as connectNet, createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls, createSecureContext, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { test, type Test } from 'tap'
import { createAuthority, issueClient } from '../src/pki.js'
import { API_SERVER, startAttacked, type Attacked } from './fixtures/attacked.js'
import { frame, FrameFlag, FrameType, frameTypes, literal, POST_HEADERS, PREFACE, RawClient } from './fixtures/clients.js'
import { alice } from './fixtures/people.js'

const { endStream, endHeaders } = FrameFlag

interface From {
  /** Loopback addresses are as many networks. */
  readonly address?: string
  readonly protocol?: 'h2' | 'http/1.1'
}

/** Without a client certificate. Rejects where the connection is refused or closed before its handshake. */
async function attacker ({ port, ca }: Attacked, { address = '127.0.0.2', protocol = 'h2', ...options }: From & ConnectionOptions = {}): Promise<RawClient> {
  const socket = connectNet({ port, host: '127.0.0.1', localAddress: address })
  const secure = connectTls({ socket, servername: 'localhost', ca, ALPNProtocols: [protocol], ...options })
  const client = new RawClient(secure)
  await once(secure, 'secureConnect')
  return client
}

/** Whoever reaches the port may ask: then strangers have HTTP/2 sessions too. */
const ANYBODY = { config: { tls: { clientCAFile: undefined, clientNames: [] } } }

/** An odd id for each request of a client. */
const id = (index: number): number => 2 * index + 1

function post (stream: number, flags: number = endHeaders, further = Buffer.alloc(0)): Buffer {
  return frame(FrameType.headers, flags, stream, Buffer.concat([POST_HEADERS, further]))
}

/** Against a service that requires client certificates, and against one that doesn't. */
function forBoth (name: string, attack: (t: Test, service: Attacked) => Promise<void>): void {
  for (const [kind, options] of Object.entries({ 'certificates required': {}, 'anybody may ask': ANYBODY })) {
    test(`${name}: ${kind}`, async t => { await attack(t, await startAttacked(t, options)) })
  }
}

const EXPECT_CONTINUE = Buffer.concat([Buffer.from([0x0f, 0x14]), literal('100-continue')]) // expect: index 35
const PING = 6
const CANCEL = Buffer.from([0, 0, 0, 8])
/** SETTINGS_INITIAL_WINDOW_SIZE (4) of 0: no answer's body is ever let out. */
const NO_WINDOW = frame(FrameType.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]))

forBoth('requests that are reset before anybody looks at them', async (t, service) => {
  const body = Buffer.alloc(9_000, 'a')
  const reset = frame(FrameType.reset, 0, 5, CANCEL)
  for (const [name, last] of Object.entries({
    'Expect: 100-continue': post(5, endHeaders, EXPECT_CONTINUE),
    'Expect: the-impossible': post(5, endHeaders, Buffer.concat([Buffer.from([0x0f, 0x14]), literal('the-impossible')])),
    CONNECT: frame(FrameType.headers, endHeaders, 5, Buffer.concat([Buffer.from([0x02]), literal('CONNECT'), Buffer.from([0x01]), literal('localhost:1')])),
    HEAD: frame(FrameType.headers, endHeaders | endStream, 5, Buffer.concat([Buffer.from([0x02]), literal('HEAD'), Buffer.from([0x87, 0x84])])),
    POST: post(5)
  })) {
    const client = await attacker(service)
    client.socket.write(Buffer.concat([
      PREFACE, post(1), frame(FrameType.data, 0, 1, body), post(3), frame(FrameType.data, 0, 3, body), last, reset,
      frame(PING, 0, 0, Buffer.alloc(8))
    ]))
    // its answer shows that all was read; a stranger's connection just ends
    await Promise.race([client.closed, client.until(({ received }) => frameTypes(received).includes(PING))])
    client.socket.destroy()
    await service.assertWell(t, name)
  }
  t.notMatch(service.log(), 'bug of authn-webhook')
})

test('frames that end the HTTP/2 session in the midst of others', async t => {
  const service = await startAttacked(t)
  const ping = frame(PING, 1, 0, Buffer.alloc(8))
  const padding = frame(0xbb, 0, 0, Buffer.alloc(1_000))
  const requests = Array.from({ length: 16 }, (_, index) => [post(id(index), endHeaders | endStream), padding]).flat()
  const bytes = Buffer.concat([PREFACE, ...requests, ping, post(101), frame(FrameType.data, 0, 101, Buffer.alloc(100, 'a'))])
  for (const certificate of [{}, service.stranger]) {
    for (let count = 0; count < 40; count++) {
      const client = await attacker(service, certificate)
      client.socket.write(Buffer.concat([bytes, bytes]))
      await new Promise(resolve => setImmediate(resolve))
      client.socket.destroySoon()
      await client.closed
    }
  }
  await service.assertWell(t, 'afterwards')
})

forBoth('streams that are reset as soon as they are opened', async (t, service) => {
  const bytes = Buffer.concat([PREFACE, ...Array.from({ length: 1_000 }, (_, index) => [post(id(index), endHeaders | endStream), frame(FrameType.reset, 0, id(index), CANCEL)]).flat()])
  await Promise.all(Array.from({ length: 60 }, async () => {
    for (let count = 0; count < 2; count++) {
      const client = await attacker(service).catch(() => undefined)
      client?.socket.write(bytes)
      await client?.closed
    }
  }))
  await service.assertWell(t, '120 connections with 1,000 resets each')
})

test('requests that do not wait for answers', async t => {
  const service = await startAttacked(t)
  const sockets = Array.from({ length: 60 }, () => {
    const socket = connectNet({ port: service.adminPort, host: '127.0.0.1', localAddress: '127.0.0.2' }).on('error', () => {}).pause()
    socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(2_000))
    return socket
  })
  await service.assertWell(t, '120,000 scrapes in flight')
  await service.assertWell(t, 'a little later')
  for (const socket of sockets) socket.destroy()
})

test('key exchanges that cost the service more than the client', async t => {
  const service = await startAttacked(t)
  for (const ecdhCurve of ['ffdhe2048', 'ffdhe8192']) await t.rejects(attacker(service, { ecdhCurve }), ecdhCurve)
  for (const ecdhCurve of ['X25519', 'P-256', 'P-384']) {
    const client = await attacker(service, { ecdhCurve })
    client.socket.destroy()
  }
  await service.assertWell(t, 'afterwards')
})

/** 256 requests whose answers it does not take. */
const STALLED = Buffer.concat([PREFACE, NO_WINDOW, ...Array.from({ length: 256 }, (_, index) => post(id(index), endHeaders | endStream))])

forBoth('clients that take no answers', async (t, service) => {
  const clients = await Promise.allSettled(Array.from({ length: 400 }, async (_, index) => {
    const client = await attacker(service, { address: `127.0.0.${2 + index % 4}` })
    for (let round = 0; round < 4; round++) client.socket.write(STALLED)
    return client
  }))
  await service.assertWell(t, '400 connections with 256 stalled answers each')
  for (const client of clients) if (client.status === 'fulfilled') client.value.socket.destroy()
})

test('an answer that is not taken is cut', async t => {
  const service = await startAttacked(t, ANYBODY)
  const client = await attacker(service)
  client.socket.write(Buffer.concat([PREFACE, NO_WINDOW, post(1, endHeaders | endStream)]))
  await client.until(({ received }) => frameTypes(received).includes(FrameType.reset))
  client.socket.destroy()
  await service.assertWell(t, 'afterwards')
})

forBoth('bodies that nobody reads', async (t, service) => {
  const body = Buffer.alloc(16_384, 'a')
  const requests = Array.from({ length: 64 }, (_, index) => [post(id(index)), ...new Array<Buffer>(4).fill(frame(FrameType.data, 0, id(index), body))]).flat()
  const clients = await Promise.allSettled(Array.from({ length: 300 }, async (_, index) => {
    const client = await attacker(service, { address: `127.0.0.${2 + index % 4}` })
    client.socket.write(Buffer.concat([PREFACE, NO_WINDOW, ...requests]))
    return client
  }))
  await service.assertWell(t, '300 connections with 64 bodies each')
  for (const client of clients) if (client.status === 'fulfilled') client.value.socket.destroy()
})

forBoth('clients that are gone before the first write', async (t, service) => {
  const files = (): number => readdirSync(`/proc/${service.pid}/fd`).length
  const before = files()
  const body = Buffer.alloc(16_384, 'a')
  const bytes = Buffer.concat([PREFACE, post(1), ...new Array<Buffer>(6).fill(frame(FrameType.data, 0, 1, body))])
  for (let index = 0; index < 600; index++) {
    const socket = connectNet({ port: service.port, host: '127.0.0.1', localAddress: '127.0.0.2' })
    const secure = connectTls({ socket, servername: 'localhost', ca: service.ca, ALPNProtocols: ['h2'] }).on('error', () => {})
    await once(secure, 'secureConnect')
    secure.write(bytes)
    await new Promise(resolve => setImmediate(resolve))
    socket.destroy()
  }
  await service.assertWell(t, 'while Node keeps their sockets')
  // by the longest of the limits: that of a body
  for (let second = 0; files() > before + 8 && second < 120; second++) await delay(1_000)
  t.ok(files() <= before + 8, `${files()} open files, ${before} before`)
})

/** How many of ten API servers at another address are served. */
async function served (service: Attacked): Promise<{ count: number, slowest: number }> {
  let slowest = 0
  const answers = await Promise.allSettled(Array.from({ length: 10 }, async () => {
    const started = performance.now()
    const answer = await service.review(alice.token)
    slowest = Math.max(slowest, performance.now() - started)
    return answer
  }))
  return { count: answers.filter(answer => answer.status === 'fulfilled' && answer.value.text.includes('"authenticated":true')).length, slowest }
}

test('connections that say nothing', async t => {
  for (const [name, open] of Object.entries<(service: Attacked, index: number) => Promise<Socket>>({
    'no handshake': async ({ port }) => {
      const socket = connectNet({ port, host: '127.0.0.1', localAddress: '127.0.0.2' }).on('error', () => {})
      await once(socket, 'connect')
      return socket
    },
    'no request': async service => (await attacker(service)).socket,
    'no request over HTTP/1.1': async service => (await attacker(service, { protocol: 'http/1.1' })).socket,
    'from many addresses': async ({ port }, index) => {
      const socket = connectNet({ port, host: '127.0.0.1', localAddress: `127.0.${1 + (index >> 6)}.${1 + index % 64}` }).on('error', () => {})
      await once(socket, 'connect')
      return socket
    }
  })) {
    await t.test(name, async t => {
      const service = await startAttacked(t)
      // the service logs in for somebody meanwhile, whose connection must stay
      const kept = await attacker(service, { ...service.client, address: '127.0.0.1' })
      kept.socket.write(PREFACE)
      const opened = await Promise.allSettled(Array.from({ length: 1_100 }, async (_, index) => await open(service, index)))
      const { count, slowest } = await served(service)
      t.equal(count, 10, 'of ten API servers elsewhere')
      t.comment(`the slowest after ${Math.round(slowest)} ms`)
      t.equal(kept.socket.destroyed, false, 'who has proved itself stays')
      await service.assertWell(t, name)
      for (const socket of opened) if (socket.status === 'fulfilled') socket.value.destroy()
      kept.socket.destroy()
    })
  }
})

test('connections to the admin listener that say nothing', async t => {
  const service = await startAttacked(t)
  const sockets = Array.from({ length: 1_100 }, () => connectNet({ port: service.adminPort, host: '127.0.0.1', localAddress: '127.0.0.2' }).on('error', () => {}))
  await Promise.all(sockets.map(async socket => { await Promise.race([once(socket, 'connect'), once(socket, 'close')]) }))
  await service.assertWell(t, 'the kubelet reaches it')
  for (const socket of sockets) socket.destroy()
})

test('a certificate that is shown after the handshake', async t => {
  const service = await startAttacked(t, { config: { tls: { minVersion: 'TLSv1.2' } } })
  const forged = await issueClient(await createAuthority({ commonName: 'client CA', days: 1 }), { commonName: API_SERVER, days: 1 })
  const { socket: attacking } = await attacker(service, { ...service.stranger, maxVersion: 'TLSv1.2', protocol: 'http/1.1' })
  const socket = attacking as TLSSocket
  socket.setKeyCert(createSecureContext(forged))
  const renegotiated = await new Promise<boolean>(resolve => {
    socket.once('close', () => { resolve(false) })
    socket.renegotiate({}, error => { resolve(error === null) })
  })
  t.equal(renegotiated, false, 'TLS 1.2 does not renegotiate')
  socket.destroy()
  await service.assertWell(t, 'afterwards')
})

test('users files of many mistakes', async t => {
  const service = await startAttacked(t)
  for (const [name, text] of Object.entries({
    'half a million names': `users: [${'a,'.repeat(500_000)}]`,
    'a million empty entries': `users:\n${'-\n'.repeat(1_000_000)}`,
    'lists for users': JSON.stringify({ apiVersion: 'authn-webhook/v1', users: new Array(350_000).fill([]) }),
    'as many as fit': `apiVersion: authn-webhook/v1\nusers: [${'a,'.repeat(100_000)}]`
  })) {
    const before = service.log().length
    replace(service.dir, 'users.yaml', text)
    while (!service.log().slice(before).includes('the users file was not taken over')) {
      if (!service.alive) throw new Error(service.stderr())
      await delay(50)
    }
    await service.assertWell(t, name)
  }
})

/** Lets the client's first message through, and holds the others back until it is told to. */
async function holdHandshake (t: Test, port: number): Promise<{ port: number, held: Promise<void>, release: () => void }> {
  const held: Buffer[] = []
  let released = false
  let upstream: Socket
  let waits!: () => void
  const waiting = new Promise<void>(resolve => { waits = resolve })
  const proxy = createServer(client => {
    let first = true
    upstream = connectNet(port, '127.0.0.1').on('error', () => {})
    upstream.pipe(client).on('error', () => {})
    client.on('data', bytes => {
      if (first || released) upstream.write(bytes)
      else {
        held.push(bytes)
        waits()
      }
      first = false
    })
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.teardown(() => { proxy.close(); upstream?.destroy() })
  return {
    port: (proxy.address() as AddressInfo).port,
    held: waiting,
    release () {
      released = true
      upstream.write(Buffer.concat(held))
    }
  }
}

test('a handshake that began before the client CA was replaced', async t => {
  for (const protocol of ['h2', 'http/1.1'] as const) {
    const service = await startAttacked(t)
    const { port, held, release } = await holdHandshake(t, service.port)
    const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: service.ca, ALPNProtocols: [protocol], ...service.client })
    const client = new RawClient(socket)
    // of TLS 1.3 before the service has the client's last word
    const secured = once(socket, 'secureConnect')
    await held
    const nextCA = await createAuthority({ commonName: 'client CA', days: 1 })
    replace(service.dir, 'client-ca.crt', nextCA.cert)
    await service.until(/serving certificate reloaded/)
    release()
    await secured
    const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: alice.token } })
    socket.write(protocol === 'h2'
      ? Buffer.concat([PREFACE, post(1), frame(FrameType.data, endStream, 1, Buffer.from(body))])
      : `POST /authenticate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    await Promise.race([client.closed, client.until(({ text }) => text.includes('"authenticated"'))])
    t.notMatch(client.text, 'alice', protocol)
    await service.stop('SIGKILL')
  }
})

/** As a mounted Secret changes: the new file takes the old one's place. */
function replace (dir: string, name: string, text: string): void {
  writeFileSync(join(dir, `${name}.new`), text)
  renameSync(join(dir, `${name}.new`), join(dir, name))
}
