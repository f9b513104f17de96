import 'reflect-metadata'
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { join } from 'node:path'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import * as x509 from '@peculiar/x509'
import { pino } from 'pino'
import { test, type Test } from 'tap'
import draining from '../../plugins/draining.js'
import tls from '../../plugins/tls.js'
import { unobserved } from '../../src/authn/observer.js'
import { ValidationError } from '../../src/errors.js'
import { createCA, issueClient, issueServing, type CertificatePair } from '../../src/certificates/issue.js'
import { http2Session, overHttp1, overHttp2, type Answer } from '../fixtures/clients.js'
import { withTime } from '../fixtures/certificates.js'
import { clientCertificate, listen, makeAuthorities, makeFiles, silent, type Files, type Listener, type ListenerOptions } from '../fixtures/listener.js'
import { until } from '../fixtures/waiting.js'

interface Line { level: number, msg: string, [key: string]: unknown }

interface Served extends Listener {
  readonly logged: Line[]
  /** Of each reload: what went wrong, or undefined. */
  readonly reloads: unknown[]
  readonly reloaded: (count: number) => Promise<void>
}

async function start (t: Test, options: ListenerOptions & { prepare?: (files: Files) => Promise<void>, reported?: () => void } = {}): Promise<Served> {
  const logged: Line[] = []
  const reloads: unknown[] = []
  const log = pino({ level: 'info' }, { write: line => { logged.push(JSON.parse(line)) } })
  const listener = await listen(t, {
    ...options,
    async register (fastify, { files }) {
      await options.prepare?.(files)
      await fastify.register(draining, { maxConnectionAge: 0, log: silent })
      await fastify.register(tls, { config: files.tls, log, observer: { ...unobserved, reloaded: (source, error) => { reloads.push(error ?? source); if (error === undefined) options.reported?.() } } })
      fastify.post('/authenticate', { onRequest: fastify.requireClientCertificate }, async request => ({ client: request.clientCertificateName }))
      fastify.get('/livez', async () => 'ok')
    }
  })
  return { ...listener, logged, reloads, async reloaded (count) { await until(`reload ${count}`, () => reloads.length >= count) } }
}

async function handshake (port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ host: 'localhost', port, ...options })
  await once(socket, 'secureConnect')
  return socket
}

async function serial (port: number, ca: string): Promise<string> {
  const socket = await handshake(port, { ca })
  const { serialNumber } = socket.getPeerCertificate()
  socket.destroy()
  return serialNumber
}

async function serving (): Promise<CertificatePair> {
  const { servingCA } = await makeAuthorities()
  return await issueServing(servingCA, { names: ['localhost'], days: 1 })
}

test('the serving certificate is reloaded', async t => {
  await t.test('a new pair serves new connections, and no open one is dropped', async t => {
    const { fastify, port, ca, files, logged, reloads, reloaded } = await start(t)
    const before = await serial(port, ca)
    const session = http2Session(port, { ca })
    t.match(await overHttp2(session), { status: 200 })
    const expiry = fastify.servingCertificate.validTo

    const { servingCA } = await makeAuthorities()
    const { cert, key } = await issueServing(servingCA, { names: ['localhost'], days: 30 })
    files.write('tls.key', key)
    files.write('tls.crt', cert)
    await reloaded(1)
    t.same(reloads, ['certificate'])
    t.not(await serial(port, ca), before)
    t.ok(fastify.servingCertificate.validTo > expiry)
    t.match(logged.at(-1), { msg: 'serving certificate reloaded', validTo: fastify.servingCertificate.validTo.toISOString() })
    t.match(await overHttp2(session), { status: 200 }, 'the old connection still works')
    session.destroy()
    t.notMatch(JSON.stringify(logged), 'PRIVATE KEY')

    await t.rejects(handshake(port, { ca, maxVersion: 'TLSv1.2' }), 'a reload keeps the least version')
  })

  await t.test('a mounted Secret swaps a symbolic link', async t => {
    const { port, ca, reloads, reloaded, files: { dir } } = await start(t, {
      async prepare ({ dir }) {
        const { cert, key } = await serving()
        mkdirSync(join(dir, '..1'))
        for (const [name, text] of [['tls.crt', cert], ['tls.key', key]] as const) {
          writeFileSync(join(dir, '..1', name), text)
          rmSync(join(dir, name))
          symlinkSync(join('..data', name), join(dir, name))
        }
        symlinkSync('..1', join(dir, '..data'))
      }
    })
    const before = await serial(port, ca)
    const { cert, key } = await serving()
    mkdirSync(join(dir, '..2'))
    writeFileSync(join(dir, '..2', 'tls.crt'), cert)
    writeFileSync(join(dir, '..2', 'tls.key'), key)
    symlinkSync('..2', join(dir, '..data_tmp'))
    renameSync(join(dir, '..data_tmp'), join(dir, '..data'))
    await reloaded(1)
    t.same(reloads, ['certificate'])
    t.not(await serial(port, ca), before)
  })

  await t.test('a bad or half-written pair keeps the old one', async t => {
    const { port, ca, files, logged, reloads, reloaded } = await start(t)
    const before = await serial(port, ca)
    const { cert, key } = await serving()
    files.write('tls.crt', cert)
    await reloaded(1)
    t.match(reloads[0], ValidationError)
    t.match(logged.at(-1), { level: 50, msg: /not reloaded; keeping the previous version/, count: 1, errors: [new RegExp(files.tls.keyFile)] })
    t.equal(await serial(port, ca), before)

    files.write('tls.key', key)
    await reloaded(2)
    t.equal(reloads[1], 'certificate', 'the other half mends it')
    t.not(await serial(port, ca), before)
  })
})

const REFUSED = { status: 401 }

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** A client certificate of the client CA without a common name. */
async function withDnsNames (...names: string[]): Promise<CertificatePair> {
  return await withSubject('O=example', names)
}

async function withSubject (subject: string, names: readonly string[] = []): Promise<CertificatePair> {
  const { clientCA } = await makeAuthorities()
  const keys = await webcrypto.subtle.generateKey(ECDSA, true, ['sign', 'verify'])
  const signingKey = await webcrypto.subtle.importKey('pkcs8', createPrivateKey(clientCA.key).export({ type: 'pkcs8', format: 'der' }), ECDSA, false, ['sign'])
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: new x509.X509Certificate(clientCA.cert).subjectName,
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: ECDSA,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
      ...names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names.map(value => ({ type: 'dns', value })))] : []
    ]
  })
  const key = createPrivateKey({ key: Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)), format: 'der', type: 'pkcs8' })
  return { cert: certificate.toString('pem'), key: key.export({ type: 'pkcs8', format: 'pem' }) as string }
}

test('client certificates', async t => {
  const { clientCA } = await makeAuthorities()
  const stranger = await issueClient(await createCA({ commonName: 'client CA', days: 1 }), { commonName: 'kube-apiserver', days: 1 })
  const expired = await issueClient(clientCA, { commonName: 'kube-apiserver', days: 1, now: () => Date.now() - 3 * 24 * 3_600_000 })
  const server = await issueServing(clientCA, { names: ['kube-apiserver'], days: 1 })

  /** The answer over each protocol to a client with this certificate. */
  async function ask ({ port, ca }: Listener, certificate: Partial<CertificatePair> = {}, request: { method?: string, path?: string } = {}): Promise<Answer[]> {
    const session = http2Session(port, { ca, ...certificate })
    const agent = new Agent({ ca, ...certificate, keepAlive: true })
    const answers = [await overHttp2(session, request), await overHttp2(session, request), await overHttp1({ port, agent, ...request }), await overHttp1({ port, agent, ...request })]
    session.destroy()
    agent.destroy()
    return answers
  }

  await t.test('required, of a CA, under any name', async t => {
    const files = await makeFiles(t)
    const listener = await start(t, { tls: { clientCAFile: files.tls.certFile.replace('tls.crt', 'client-ca.crt') } })
    for (const [name, certificate, expected] of [
      ['none', {}, { ...REFUSED, body: /a client certificate is required/ }],
      ['of another CA', stranger, { ...REFUSED, body: /not signed by the client CA/ }],
      ['expired', expired, { ...REFUSED, body: /has expired/ }],
      ['for servers', server, { ...REFUSED, body: /not one for client authentication/ }],
      ['of the CA', await clientCertificate('alice'), { status: 200, body: '{"client":"alice"}' }]
    ] as const) {
      for (const answer of await ask(listener, certificate)) t.match(answer, expected, name)
    }
    for (const answer of await ask(listener, {}, { method: 'GET', path: '/livez' })) t.match(answer, { status: 200 }, 'a probe carries none')
  })

  await t.test('required, under certain names', async t => {
    const files = await makeFiles(t)
    const clientCAFile = join(files.dir, 'client-ca.crt')
    const listener = await start(t, { tls: { clientCAFile, clientNames: ['front-proxy', 'kube-apiserver', '.example.com'] } })
    const withNames = async (commonName: string): Promise<Answer[]> => await ask(listener, await clientCertificate(commonName))
    for (const answer of await withNames('kube-apiserver')) t.match(answer, { status: 200, body: '{"client":"kube-apiserver"}' })
    for (const name of ['mallory', 'kube-apiserver,CN=x', 'api.example.com', 'KUBE-APISERVER']) {
      for (const answer of await withNames(name)) {
        t.match(answer, { ...REFUSED, body: /client certificate name is not in tls\.clientNames/ }, name)
        t.notMatch(answer.body, name)
      }
    }
  })

  await t.test('of several common names the last one, as Go reads them', async t => {
    const files = await makeFiles(t)
    const listener = await start(t, { tls: { clientCAFile: join(files.dir, 'client-ca.crt'), clientNames: ['kube-apiserver'] } })
    for (const answer of await ask(listener, await withSubject('CN=kube-apiserver, CN=mallory'))) t.match(answer, REFUSED)
    for (const answer of await ask(listener, await withSubject('CN=mallory, CN=kube-apiserver'))) t.match(answer, { status: 200, body: '{"client":"kube-apiserver"}' })
  })

  await t.test('by a DNS name', async t => {
    const files = await makeFiles(t)
    const listener = await start(t, { tls: { clientCAFile: join(files.dir, 'client-ca.crt'), clientNames: ['.example.com', 'proxy.example.com'] } })
    for (const answer of await ask(listener, await withDnsNames('proxy.example.com', 'other.example.com'))) {
      t.match(answer, { status: 200, body: '{"client":"proxy.example.com"}' })
    }
    // neither a part of a name nor a wildcard is the name
    for (const name of ['other.example.com', '*.example.com', 'proxy.example.com, DNS:x', 'x, DNS:proxy.example.com, DNS:y']) {
      for (const answer of await ask(listener, await withDnsNames(name))) t.match(answer, REFUSED, name)
    }
    const open = await start(t, { tls: { clientCAFile: join(files.dir, 'client-ca.crt') } })
    for (const answer of await ask(open, await withDnsNames('a.example.com'))) t.match(answer, { status: 200, body: '{"client":"DNS:a.example.com"}' }, 'no common name')
  })

  await t.test('not asked for without a client CA', async t => {
    const listener = await start(t)
    for (const answer of await ask(listener, await clientCertificate('alice'))) t.match(answer, { status: 200, body: '{"client":null}' })
  })

  await t.test('a replaced client CA retires connections and forgets old verdicts', async t => {
    const files = await makeFiles(t)
    const clientCAFile = join(files.dir, 'client-ca.crt')
    const { port, ca, reloaded } = await start(t, { tls: { clientCAFile } })
    const alice = await clientCertificate('alice')
    const session = http2Session(port, { ca, ...alice })
    t.match(await overHttp2(session), { status: 200 })
    const socket = await handshake(port, { ca, ...alice, ALPNProtocols: ['http/1.1'] })
    const [ticket] = await once(socket, 'session') as [Buffer]
    const again = await handshake(port, { ca, ...alice, session: ticket })
    t.equal(again.isSessionReused(), false, 'every connection is judged anew')
    again.destroy()

    const ended = Promise.all([once(session, 'close'), once(socket.resume(), 'close')])
    const nextCA = await createCA({ commonName: 'client CA', days: 1 })
    files.write('client-ca.crt', nextCA.cert)
    await reloaded(1)
    await ended

    const bob = await issueClient(nextCA, { commonName: 'bob', days: 1 })
    for (const answer of await ask({ port, ca } as Listener, alice)) t.match(answer, REFUSED)
    for (const answer of await ask({ port, ca } as Listener, bob)) t.match(answer, { status: 200, body: '{"client":"bob"}' })
  })

  await t.test('a client CA that was replaced beside a damaged certificate counts with the next good one', async t => {
    const files = await makeFiles(t)
    const { port, ca, files: { dir, tls, write }, fastify, logged, reloads, reloaded } = await start(t, { tls: { clientCAFile: join(files.dir, 'client-ca.crt') } })
    const expiry = fastify.servingCertificate.validTo
    const session = http2Session(port, { ca, ...await clientCertificate('alice') })
    t.match(await overHttp2(session), { status: 200 })
    const ended = once(session, 'close')

    const good = readFileSync(join(dir, 'tls.crt'), 'utf8')
    write('tls.crt', withTime(good, 'notAfter'))
    writeFileSync(tls.clientCAFile!, (await createCA({ commonName: 'client CA', days: 1 })).cert)
    await reloaded(1)
    t.match(reloads, [ValidationError])
    t.match(logged.at(-1), { level: 50, msg: /not reloaded; keeping the previous version/, errors: [/tls\.crt: holds a certificate whose notAfter is not a date/] })
    t.equal(await serial(port, ca), new X509Certificate(good).serialNumber, 'and it does')
    t.same(fastify.servingCertificate.validTo, expiry)

    write('tls.crt', good)
    await reloaded(2)
    t.match(reloads, [ValidationError, 'certificate'])
    await ended
  })

  await t.test('connections of a replaced client CA end, whatever else fails', async t => {
    const files = await makeFiles(t)
    const clientCAFile = join(files.dir, 'client-ca.crt')
    const { port, ca, fastify } = await start(t, { tls: { clientCAFile }, reported () { throw new Error('disk full') } })
    const session = http2Session(port, { ca, ...await clientCertificate('alice') })
    t.match(await overHttp2(session), { status: 200 })
    const ended = once(session, 'close')
    files.write('client-ca.crt', (await createCA({ commonName: 'client CA', days: 1 })).cert)
    await ended
    t.ok(fastify.server.listening)
  })
})

test('what API servers would refuse is said in the log', async t => {
  const { servingCA } = await makeAuthorities()
  const names = ['localhost']
  const past = (): number => Date.now() - 3 * 24 * 3_600_000
  const future = (): number => Date.now() + 12 * 3_600_000
  const long = await createCA({ commonName: 'long', days: 60 })
  for (const [name, pair, expected] of [
    ['expired', await issueServing(servingCA, { names, days: 1, now: past }), [50, /has expired/]],
    ['not valid yet', await issueServing(await createCA({ commonName: 'later', days: 60, now: future }), { names, days: 30, now: future }), [50, /is not valid before/]],
    ['no SAN', await issueClient(long, { commonName: 'localhost', days: 30 }), [50, /no subject alternative name/]],
    ['within a week', await issueServing(long, { names, days: 6 }), [40, /expires on \S+, in \d days/]],
    ['in more than a week', await issueServing(long, { names, days: 8 }), [30, 'serving certificate loaded']]
  ] as const) {
    const { logged } = await start(t, {
      async prepare ({ write }) {
        write('tls.crt', pair.cert)
        write('tls.key', pair.key)
      }
    })
    t.match(logged.at(-1), { level: expected[0], msg: expected[1] }, name)
  }
})
