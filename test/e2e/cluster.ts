/**
 * A real kube-apiserver with a real etcd, on loopback or on a node of the test,
 * and the two ways in: as its admin, with a client certificate, and as anybody,
 * with a bearer token.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { TokenReviewStatus } from '../../schemas/token-review.js'
import { createCA, issueClient, issueServing, type CertificatePair } from '../../src/certificates/issue.js'
import { freePorts } from '../fixtures/child.js'
import type { Outcome } from '../fixtures/command.js'

/** A machine of the test's own that both run on. */
export interface Host {
  readonly address: string
  /** Where they are not to take any free ports. */
  readonly port: number
  /** The command that runs another one there. */
  readonly enter: readonly string[]
}

export interface ClusterOptions {
  /** Without it: this machine, on loopback. */
  readonly host?: Host
  /** What `authn-webhook webhook-config` printed, as a file; without it, it asks no webhook. */
  readonly webhook?: string
  /** Of the TokenReview that the API server asks with. */
  readonly version?: 'v1' | 'v1beta1'
  /** `--authentication-token-webhook-cache-ttl`; the API server's own default is 2 minutes. */
  readonly cacheTTL?: string
  /** Further flags of the API server. */
  readonly flags?: readonly string[]
}

export interface Response {
  readonly code: number
  readonly body: any
  /** How long the API server took, in milliseconds. */
  readonly duration: number
}

export interface Cluster {
  /** Its URL. */
  readonly server: string
  /** File of its CA. */
  readonly authority: string
  /** File of the key that signs tokens of ServiceAccounts. */
  readonly serviceAccountKey: string
  /** Kubeconfig of a user in `system:masters`. */
  readonly adminKubeconfig: string
  /** Makes one for a component, with a client certificate of its own. @returns its path */
  kubeconfigFor: (commonName: string, organization: string) => Promise<string>
  /** Kubeconfig without a user: a client certificate would win over a token. */
  readonly tokenKubeconfig: string
  /** Calls the API with a token, which may be valid or not. */
  call: (token: string, path?: string) => Promise<Response>
  /** Calls the API as its admin. */
  admin: (method: string, path: string, body?: unknown) => Promise<Response>
  /** Asks the API server's own TokenReview endpoint, as its admin. */
  review: (token: string, audiences?: readonly string[]) => Promise<TokenReviewStatus>
  kubectl: (...args: readonly string[]) => Promise<Outcome>
  /** As the API server's admin. */
  helm: (...args: readonly string[]) => Promise<Outcome>
  /** As an operator does it: another file, the flags, and the API server anew. */
  restart: (webhook: string) => Promise<void>
  /** What the API server has logged so far. */
  log: () => Promise<string>
}

const NAMESPACES = '/api/v1/namespaces'

/** The audience of every API server here, also of one that is not told which it has. */
export const API_AUDIENCE = 'https://kubernetes.default.svc'

/** Starts both and waits until the API server is ready. Ends them with the test. */
export async function startCluster (t: Test, options: ClusterOptions): Promise<Cluster> {
  const dir = await mkdtemp(join(tmpdir(), 'authn-webhook-cluster-'))
  const processes: ChildProcess[] = []
  t.teardown(async () => {
    await Promise.all(processes.reverse().map(end))
    await rm(dir, { recursive: true, force: true })
  })
  const [freePort, etcdPort, peerPort] = await freePorts(3)
  const { address, port, enter }: Host = options.host ?? { address: '127.0.0.1', port: freePort!, enter: [] }
  const server = `https://${address}:${port}`
  const { authority, admin: adminPair } = await writeCredentials(dir, server, address)

  const etcd = `http://127.0.0.1:${etcdPort}`
  const peer = `http://127.0.0.1:${peerPort}`
  processes.push(await startProcess([...enter, tool('ETCD')], [
    '--data-dir', join(dir, 'etcd'), '--listen-client-urls', etcd, '--advertise-client-urls', etcd,
    '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`, '--unsafe-no-fsync'
  ], join(dir, 'etcd.log')))
  const log = join(dir, 'kube-apiserver.log')
  const startApiServer = async (webhook: string | undefined): Promise<ChildProcess> => await startProcess([...enter, tool('KUBE_APISERVER')], [
    `--etcd-servers=${etcd}`, `--bind-address=${options.host === undefined ? address : '0.0.0.0'}`, `--advertise-address=${address}`, `--secure-port=${port}`, '--endpoint-reconciler-type=none',
    `--tls-cert-file=${dir}/apiserver.crt`, `--tls-private-key-file=${dir}/apiserver.key`, `--client-ca-file=${dir}/ca.crt`, `--cert-dir=${dir}`,
    `--service-account-key-file=${dir}/sa.pub`, `--service-account-signing-key-file=${dir}/sa.key`, `--service-account-issuer=${API_AUDIENCE}`,
    '--service-cluster-ip-range=10.96.0.0/24', '--authorization-mode=Node,RBAC', '--v=2',
    ...options.host === undefined ? [] : [`--kubelet-client-certificate=${dir}/admin.crt`, `--kubelet-client-key=${dir}/admin.key`, '--kubelet-preferred-address-types=InternalIP'],
    // it has no port without TLS any more from 1.24 on
    ...execFileSync(tool('KUBE_APISERVER'), ['--version'], { encoding: 'utf8' }).includes('v1.20.') ? ['--insecure-port=0'] : [],
    ...webhook === undefined
      ? []
      : [
          `--authentication-token-webhook-config-file=${webhook}`, `--authentication-token-webhook-version=${options.version ?? 'v1'}`,
          `--authentication-token-webhook-cache-ttl=${options.cacheTTL ?? '2m'}`
        ],
    ...options.flags ?? []
  ], log)
  processes.push(await startApiServer(options.webhook))

  const agents = { admin: new Agent({ ...adminPair, ca: authority.cert, keepAlive: true }), anybody: new Agent({ ca: authority.cert, keepAlive: true }) }
  t.teardown(() => { Object.values(agents).forEach(agent => { agent.destroy() }) })
  const admin: Cluster['admin'] = async (method, path, body) => await send(agents.admin, `${server}${path}`, { method, body })
  const isReady = async (): Promise<boolean> => (await admin('GET', '/readyz')).code === 200
  await ready(processes.at(-1)!, log, isReady)
  return {
    server,
    authority: join(dir, 'ca.crt'),
    serviceAccountKey: join(dir, 'sa.key'),
    adminKubeconfig: join(dir, 'admin.yaml'),
    async kubeconfigFor (commonName, organization) {
      const file = join(dir, `${commonName.replaceAll(':', '-')}.yaml`)
      const { cert, key } = await issueClient(authority, { commonName, organization, days: 1 })
      const user = { 'client-certificate-data': Buffer.from(cert).toString('base64'), 'client-key-data': Buffer.from(key).toString('base64') }
      await writeFile(file, formatKubeconfig(server, join(dir, 'ca.crt'), user), { mode: 0o600 })
      return file
    },
    tokenKubeconfig: join(dir, 'anybody.yaml'),
    call: async (token, path = NAMESPACES) => await send(agents.anybody, `${server}${path}`, { method: 'GET', token }),
    admin,
    async review (token, audiences) {
      const { code, body } = await admin('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
        apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, ...audiences && { audiences } }
      })
      if (code !== 201) throw new Error(`the API server answered a TokenReview with ${code}: ${JSON.stringify(body)}`)
      return body.status
    },
    kubectl: async (...args) => await run(tool('KUBECTL'), dir, args),
    helm: async (...args) => await run(tool('HELM'), dir, args, { KUBECONFIG: join(dir, 'admin.yaml') }),
    async restart (webhook) {
      await end(processes.pop()!)
      processes.push(await startApiServer(webhook))
      await ready(processes.at(-1)!, log, isReady)
    },
    log: async () => await readFile(log, 'utf8')
  }
}

export function tool (name: 'KUBE_APISERVER' | 'KUBE_CONTROLLER_MANAGER' | 'KUBE_SCHEDULER' | 'KUBE_PROXY' | 'KUBELET' | 'ETCD' | 'KUBECTL' | 'HELM' | 'PROMTOOL'): string {
  const path = process.env[name]
  if (path === undefined) throw new Error(`${name} names no executable: these tests are run by "npm run e2e", "npm run test:chart" and "npm run test:node"`)
  return path
}

function formatKubeconfig (server: string, authority: string, user: object): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority': authority } }],
    users: [{ name: 'test', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test'
  })
}

async function writeCredentials (dir: string, server: string, address: string): Promise<{ authority: CertificatePair, admin: CertificatePair }> {
  const authority = await createCA({ commonName: 'kubernetes', days: 2 })
  const serving = await issueServing(authority, { names: [...new Set([address, '127.0.0.1', 'localhost'])], days: 1 })
  const admin = await issueClient(authority, { commonName: 'admin', organization: 'system:masters', days: 1 })
  const serviceAccounts = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } })
  const kubeconfig = (user: object): string => formatKubeconfig(server, join(dir, 'ca.crt'), user)
  const files = {
    'ca.crt': authority.cert,
    'apiserver.crt': serving.cert,
    'apiserver.key': serving.key,
    'admin.crt': admin.cert,
    'admin.key': admin.key,
    'sa.pub': serviceAccounts.publicKey,
    'sa.key': serviceAccounts.privateKey,
    'admin.yaml': kubeconfig({ 'client-certificate': join(dir, 'admin.crt'), 'client-key': join(dir, 'admin.key') }),
    'anybody.yaml': kubeconfig({})
  }
  await Promise.all(Object.entries(files).map(async ([name, content]) => { await writeFile(join(dir, name), content, { mode: 0o600 }) }))
  return { authority, admin }
}

/** Nothing waits for its end. @param log its output is added to this file */
export async function startProcess ([command, ...before]: readonly string[], args: readonly string[], log: string): Promise<ChildProcess> {
  const output = await open(log, 'a')
  const child = spawn(command!, [...before, ...args], { stdio: ['ignore', output.fd, output.fd] })
  await once(child, 'spawn')
  child.unref()
  await output.close()
  return child
}

/** Nothing of theirs is kept, so nobody waits for them to tidy up. */
async function end (child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.ref()
  child.kill('SIGKILL')
  await once(child, 'exit')
}

async function ready (child: ChildProcess, log: string, isReady: () => Promise<boolean>): Promise<void> {
  while (!await isReady().catch(() => false)) {
    if (child.exitCode !== null) throw new Error(`kube-apiserver ended with ${child.exitCode}:\n${(await readFile(log, 'utf8')).split('\n').slice(-15).join('\n')}`)
    await sleep(100)
  }
}

async function send (agent: Agent, url: string, { method, token, body }: { method: string, token?: string, body?: unknown }): Promise<Response> {
  const before = performance.now()
  const call = request(url, {
    agent, method, headers: { ...token !== undefined && { authorization: `Bearer ${token}` }, ...body !== undefined && { 'content-type': 'application/json' } }
  })
  call.end(body === undefined ? undefined : JSON.stringify(body))
  const [response] = await once(call, 'response')
  const content = await text(response)
  const duration = performance.now() - before
  return { code: response.statusCode, body: /json/.test(response.headers['content-type']) ? JSON.parse(content) : content, duration }
}

/** With a home of its own: what kubectl has discovered of another cluster would change what it asks. */
async function run (command: string, home: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH, HOME: home, ...env } })
  const [[code, signal], stdout, stderr] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
  return { code, signal, stdout, stderr }
}
