/** The image that the Dockerfile makes: what is in it, and how it lives and dies. */
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { test, type Test } from 'tap'
import { hashPassword } from '../../src/authn/password-hash.js'
import { alice } from '../fixtures/people.js'
import { serving } from '../fixtures/service.js'
import { freePorts } from '../fixtures/child.js'
import { eventually, IMAGE, podman, type } from './podman.js'

const LIMITS = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--memory', '128m', '--memory-swap', '128m']
/** Milliseconds. A figure is of a quiet machine; a busy one has twenty times as long. */
const SECOND = 20_000

test('what is in it', async t => {
  const { Config: { Labels, User, Entrypoint }, Id } = await inspectImage(IMAGE)
  const manifest = JSON.parse(await readFile('package.json', 'utf8'))
  t.match(Labels, {
    'org.opencontainers.image.title': 'authn-webhook',
    'org.opencontainers.image.version': manifest.version,
    'org.opencontainers.image.licenses': 'Apache-2.0',
    'org.opencontainers.image.description': manifest.description
  })
  t.equal(User, '65532:65532')
  t.equal(Entrypoint[0], 'node')

  const files = await listFiles(t)
  t.strictSame(files.filter(file => /(^|\/)(sh|bash|dash|busybox|npm|npx|corepack|tsc)$/.test(file)), [], 'neither a shell nor npm')
  const base = await inspectImage(RUNTIME)
  const own = (await inspectImage(IMAGE)).Size - base.Size
  t.comment(`the app's own part is ${(own / 1e6).toFixed(1)} MB`)
  t.ok(own < 15e6, 'under 15 MB')

  const bom = JSON.parse(await catFile('/app/sbom.cdx.json'))
  t.match(bom, { bomFormat: 'CycloneDX', metadata: { component: { name: 'authn-webhook', version: manifest.version } } })
  const listed = bom.components.map(({ name }: { name: string }) => name)
  t.strictSame(Object.keys(manifest.dependencies).filter(name => !listed.includes(name)), [], 'every dependency is on the bill of materials')
  t.strictSame(Object.keys(manifest.devDependencies).filter(name => listed.includes(name)), [], 'and nothing else')
  const licenses = await catFile('/app/LICENSES')
  t.strictSame(Object.keys(manifest.dependencies).filter(name => !licenses.includes(`${name} `)), [], 'every license comes along')

  t.equal((await inspectImage(`${IMAGE}-again`)).Id, Id, 'byte for byte the same, built from nothing')
})

test('the heap takes half of the memory limit', async t => {
  const { Config: { Entrypoint: [node, ...flags] } } = await inspectImage(IMAGE)
  for (const limit of [128, 256]) {
    const heap = Number(await podman(['run', '--rm', '--memory', `${limit}m`, '--entrypoint', node, IMAGE, ...flags.slice(0, -1), '--print', 'v8.getHeapStatistics().heap_size_limit'])) / 1024 ** 2
    t.comment(`of ${limit} MiB: ${Math.round(heap)} MiB`)
    t.ok(heap >= limit / 2 && heap < limit * 0.8, 'half, and what is young')
  }
})

test('SIGTERM ends it, with exit code 0', async t => {
  const { name } = await start(t)
  const { State: { Pid } } = await inspectContainer(name)
  const before = performance.now()
  process.kill(Pid, 'SIGTERM')
  while (existsSync(`/proc/${Pid}`)) await setTimeout(5)
  const duration = performance.now() - before
  t.comment(`idle, without a shutdownDelay, it was gone after ${Math.round(duration)} ms`)
  t.ok(duration < SECOND)
  t.equal(Number(await podman(['wait', name])), 0)
})

test('with half a processor it starts', async t => {
  const { ready } = await start(t, '--cpus', '0.5')
  t.comment(`ready ${Math.round(ready)} ms after its process began`)
  t.ok(ready < SECOND)
})

const RUNTIME = /^ARG NODE_RUNTIME=(\S+)$/m.exec(await readFile('Dockerfile', 'utf8'))![1]!

async function inspectImage (name: string): Promise<any> {
  return JSON.parse(await podman(['image', 'inspect', name]))[0]
}

async function inspectContainer (name: string): Promise<any> {
  return JSON.parse(await podman(['container', 'inspect', name]))[0]
}

/** A container that never runs, to look into. */
async function withContainer<T> (look: (name: string) => Promise<T>): Promise<T> {
  const name = await podman(['create', IMAGE])
  try {
    return await look(name)
  } finally {
    await podman(['rm', '--force', name])
  }
}

async function listFiles (t: Test): Promise<string[]> {
  return await withContainer(async name => {
    const { code, stdout } = await type('bash', ['-o', 'pipefail', '-c', 'podman export "$1" | tar --list', 'list', name])
    t.equal(code, 0)
    return stdout.trim().split('\n')
  })
}

async function catFile (path: string): Promise<string> {
  return await withContainer(async name => {
    const dir = await mkdtemp(join(tmpdir(), 'authn-webhook-image-'))
    try {
      await podman(['cp', `${name}:${path}`, join(dir, 'file')])
      return await readFile(join(dir, 'file'), 'utf8')
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })
}

interface Container {
  readonly name: string
  readonly port: number
  /** Milliseconds from the start of its process to readiness. */
  readonly ready: number
}

/** The service in a container, on the host's network; it ends with the test. */
async function start (t: Test, ...options: readonly string[]): Promise<Container> {
  const [port, admin] = await freePorts(2)
  const dir = t.testdir({
    'config.yaml': JSON.stringify({
      apiVersion: 'authn-webhook/v1',
      server: { host: '127.0.0.1', port },
      admin: { host: '127.0.0.1', port: admin },
      tls: { certFile: 'tls.crt', keyFile: 'tls.key' },
      log: { level: 'warn' },
      identityProviders: [{ name: 'people', kind: 'static', config: { usersFile: 'users.yaml' } }]
    }),
    'tls.crt': serving.cert,
    'tls.key': serving.key,
    'users.yaml': JSON.stringify({ apiVersion: 'authn-webhook/v1', users: [{ ...alice.user, passwordHash: await hashPassword(alice.password) }] })
  })
  const name = await podman(['run', '--detach', '--network', 'host', ...LIMITS, ...options, '--volume', `${dir}:/etc/authn-webhook:ro`, IMAGE])
  t.teardown(async () => { await podman(['rm', '--force', '--time', '0', name]) })
  await eventually(async () => (await fetch(`http://127.0.0.1:${admin}/readyz`)).ok || undefined)
  const now = Date.now()
  const { State: { StartedAt } } = await inspectContainer(name)
  return { name, port: port!, ready: now - Date.parse(StartedAt) }
}
