/**
 * Connections that say nothing, and handshakes that say too much. After every attack the process has to be well: alive, reachable,
 * serving the API server, and within the memory of its container.
 */
import { once } from 'node:events'
import { connect as connectNet, createServer, type AddressInfo, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type TLSSocket } from 'node:tls'
import { test, type Test } from 'tap'
import { createCA, issueClient } from '../../src/certificates/issue.js'
import { API_SERVER, startAttacked, type Attacked } from '../fixtures/attacked.js'
import { attacker, post, replace } from '../fixtures/attackers.js'
import { frame, FrameFlag, FrameType, PREFACE, RawClient } from '../fixtures/clients.js'
import { alice } from '../fixtures/people.js'

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

test('key exchanges that cost the service more than the client', async t => {
  const service = await startAttacked(t)
  for (const ecdhCurve of ['ffdhe2048', 'ffdhe8192']) await t.rejects(attacker(service, { ecdhCurve }), ecdhCurve)
  for (const ecdhCurve of ['X25519', 'P-256', 'P-384']) {
    const client = await attacker(service, { ecdhCurve })
    client.socket.destroy()
  }
  await service.assertWell(t, 'afterwards')
})

test('a certificate that is shown after the handshake', async t => {
  const service = await startAttacked(t, { config: { tls: { minVersion: 'TLSv1.2' } } })
  const forged = await issueClient(await createCA({ commonName: 'client CA', days: 1 }), { commonName: API_SERVER, days: 1 })
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
    const nextCA = await createCA({ commonName: 'client CA', days: 1 })
    replace(service.dir, 'client-ca.crt', nextCA.cert)
    await service.until(/serving certificate reloaded/)
    release()
    await secured
    const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: alice.token } })
    socket.write(protocol === 'h2'
      ? Buffer.concat([PREFACE, post(1), frame(FrameType.data, FrameFlag.endStream, 1, Buffer.from(body))])
      : `POST /authenticate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    await Promise.race([client.closed, client.until(({ text }) => text.includes('"authenticated"'))])
    t.notMatch(client.text, 'alice', protocol)
    await service.stop('SIGKILL')
  }
})
