/** The promise of the chart, on a real API server: install → log in → upgrade → still in → uninstall. */
import { X509Certificate } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { test } from 'tap'
import { startCluster } from '../e2e/cluster.js'
import { eventually, podman } from './podman.js'
import { CHART, everything, get, helm, IMAGE_VALUES, runDeployment, runTestPod, secret, step, typeNotes } from './release.js'

/** Half of the memory that the chart gives. */
const VALUES = [...IMAGE_VALUES, '--set', 'resources.limits.memory=128Mi']
const SERVER_NAME = 'authn-webhook.kube-system.svc'

test('one helm install into kube-system', async t => {
  const cwd = t.testdir({})
  const cluster = await startCluster(t, { cacheTTL: '1s' })
  // the API server makes it a moment after it is ready
  await eventually(async () => (await cluster.admin('GET', '/api/v1/namespaces/default/services/kubernetes')).code === 200 || undefined)
  const before = await everything(cluster)
  const notes = await helm(cluster, 'install', 'authn-webhook', CHART, ...VALUES)
  const authority = await secret(cluster, 'authn-webhook-ca', 'tls.crt')
  const { spec: { clusterIP } } = await get(cluster, 'service', 'authn-webhook')
  t.equal(clusterIP, '10.96.0.14', 'a free address of the band that is allocated statically')
  t.match(await helm(cluster, 'template', 'another', CHART, '--dry-run=server'), 'clusterIP: "10.96.0.13"', 'and another one for another release')

  const pod = await runDeployment(t, cluster)
  const secured = { host: clusterIP, port: 443, ca: authority!, servername: SERVER_NAME }
  /** What kubectl says to the holder of a token. */
  const kubectl = async (token: string): Promise<string> => {
    const { stdout, stderr } = await cluster.kubectl('get', 'ns', `--token=${token}`, `--kubeconfig=${cluster.tokenKubeconfig}`)
    return stdout + stderr
  }
  const addUser = async (name: string): Promise<string> => {
    const printed = await typeNotes(cluster, step(notes, 2).replace('alice', name), cwd, pod)
    await pod.refresh()
    await eventually(async () => (await pod.logs()).includes(`"users":${name === 'alice' ? 1 : 2},`) || undefined)
    return /token laptop: (\S+)/.exec(printed)![1]!
  }

  await t.test('it starts without anybody, and says so', async t => {
    t.match(await pod.logs(), /"level":"warn".*this provider authenticates nobody/)
    t.notMatch(await pod.logs(), /the private key is world-readable/)
  })

  await t.test('it runs as it was told: read-only, without root, without capabilities, in 128 MiB', async t => {
    const { State: { Pid }, HostConfig: { ReadonlyRootfs } } = JSON.parse(await podman(['inspect', pod.container]))[0]
    const status = Object.fromEntries((await readFile(`/proc/${Pid}/status`, 'utf8')).split('\n').map(line => line.split(/:\s+/) as [string, string]))
    t.match(status, { Uid: /^65532\t65532/, CapEff: '0000000000000000', CapBnd: '0000000000000000', NoNewPrivs: '1', Seccomp: '2' })
    t.equal(ReadonlyRootfs, true)
    t.equal(await memoryLimit(Pid), 128 * 1024 * 1024)
  })

  await t.test('the notes end in a working API server', async t => {
    const token = await addUser('alice')
    await typeNotes(cluster, step(notes, 3), cwd)
    await cluster.restart(join(cwd, 'webhook.yaml'))
    t.match(await kubectl(token), 'User "alice" cannot list resource "namespaces"')
    t.match(await kubectl('a-token-that-nobody-has'), 'You must be logged in')
  })

  await t.test('helm test is the doctor, with the file of the API server', async t => {
    const testing = helm(cluster, 'test', 'authn-webhook', '--timeout', '2m')
    const logs = await runTestPod(t, cluster, await eventually(async () => await get(cluster, 'pod', 'authn-webhook-doctor')))
    t.match(logs, /ok/)
    t.match(await testing, /Phase:\s+Succeeded/, logs)
  })

  await t.test('only the holder of the client certificate may ask, and of that name', async t => {
    const pair = async (name: string) => ({ cert: (await secret(cluster, name, 'tls.crt'))!, key: (await secret(cluster, name, 'tls.key'))! })
    const [client, server] = [await pair('authn-webhook-apiserver'), await pair('authn-webhook-tls')]
    t.equal(await ask(secured), 401, 'nobody without')
    t.equal(await ask({ ...secured, ...server }), 401, 'another one of the same authority')
    t.equal(await ask({ ...secured, ...client }), 200)
    for (const { cert } of [client, server]) t.equal(new X509Certificate(cert).publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1', 'ECDSA')
    t.match(new X509Certificate(client.cert).subject, /CN=kube-apiserver/)
  })

  await t.test('an upgrade that changes nothing renews nothing', async t => {
    const before = await Promise.all(['ca', 'tls', 'apiserver'].map(async name => await get(cluster, 'secret', `authn-webhook-${name}`)))
    await helm(cluster, 'upgrade', 'authn-webhook', CHART, ...VALUES, '--set', 'podAnnotations.touched=yes')
    const after = await Promise.all(['ca', 'tls', 'apiserver'].map(async name => await get(cluster, 'secret', `authn-webhook-${name}`)))
    t.strictSame(after.map(({ data }) => data), before.map(({ data }) => data))
    t.equal((await get(cluster, 'service', 'authn-webhook')).spec.clusterIP, clusterIP)
  })

  await t.test('an upgrade rotates the leaf under the same authority, and everybody stays in', async t => {
    const bob = await addUser('bob')
    const before = await servedCertificate(secured)
    await helm(cluster, 'upgrade', 'authn-webhook', CHART, ...VALUES, '--set', 'tls.sans={authn.example.com,192.0.2.10}')
    await pod.refresh()
    const after = await eventually(async () => {
      const served = await servedCertificate(secured)
      return served.serialNumber === before.serialNumber ? undefined : served
    })
    t.match(after.subjectAltName, /authn\.example\.com.*IP Address:192\.0\.2\.10/)
    t.equal(await secret(cluster, 'authn-webhook-ca', 'tls.crt'), authority, 'the authority is the same')
    t.equal(await secret(cluster, 'authn-webhook-apiserver', 'webhook.yaml'), await readFile(join(cwd, 'webhook.yaml'), 'utf8'), 'and so is what the API server has read')
    t.match(await kubectl(bob), 'User "bob" cannot list resource')
  })

  await t.test('an upgrade renews a leaf whose end is near', async t => {
    const before = await secret(cluster, 'authn-webhook-tls', 'tls.crt')
    await helm(cluster, 'upgrade', 'authn-webhook', CHART, ...VALUES, '--set', 'tls.helm.renewBeforeDays=731,tls.helm.days=732')
    t.not(await secret(cluster, 'authn-webhook-tls', 'tls.crt'), before)
    t.equal(await secret(cluster, 'authn-webhook-ca', 'tls.crt'), authority)
  })

  await t.test('no later revision holds the key of the authority', async t => {
    const key = (await get(cluster, 'secret', 'authn-webhook-ca')).data['tls.key']
    t.ok((await helm(cluster, 'get', 'hooks', 'authn-webhook', '--revision', '1')).includes(key), 'the one that made it does')
    t.notOk((await helm(cluster, 'get', 'all', 'authn-webhook')).includes(key))
  })

  await t.test('going back to the first release keeps everybody', async t => {
    const users = await secret(cluster, 'authn-webhook-users', 'users.yaml')
    await helm(cluster, 'rollback', 'authn-webhook', '1')
    t.equal(await secret(cluster, 'authn-webhook-users', 'users.yaml'), users)
    t.match(users, /alice[\s\S]*bob/)
    t.equal(await secret(cluster, 'authn-webhook-ca', 'tls.crt'), authority)
  })

  await t.test('what must not be overwritten is not, even where it is overlooked', async t => {
    const users = await secret(cluster, 'authn-webhook-users', 'users.yaml')
    for (const [template, looking, overlooking, refusal] of [
      ['users.yaml', '(lookup "v1" "Secret" .Release.Namespace (include "authn-webhook.usersSecret" .))', 'false', /conflict with "kubectl"|already exists/],
      ['certificates-helm.yaml', 'lookup "v1" "Secret" .Release.Namespace (printf "%s-ca" $name)', 'dict', /field is immutable|already exists/]
    ] as const) {
      const chart = join(t.testdir({}), 'chart')
      cpSync(CHART, chart, { recursive: true })
      const file = join(chart, 'templates', template)
      writeFileSync(file, readFileSync(file, 'utf8').replace(looking, overlooking))
      const { code, stderr } = await cluster.helm('upgrade', 'authn-webhook', chart, '--namespace', 'kube-system', ...VALUES)
      t.not(code, 0, template)
      t.match(stderr, refusal)
    }
    t.equal(await secret(cluster, 'authn-webhook-users', 'users.yaml'), users)
    t.equal(await secret(cluster, 'authn-webhook-ca', 'tls.crt'), authority)
  })

  await t.test('the notes know kubeadm by its ConfigMap', async t => {
    await cluster.admin('POST', '/api/v1/namespaces/kube-system/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kubeadm-config' } })
    t.match(await helm(cluster, 'upgrade', 'authn-webhook', CHART, ...VALUES, '--dry-run=server'), /\{\.data\.kubeadm\}'\n\nFor another distribution, replace \{\.data\.kubeadm\} with one of the following, exactly as written:\n\n {2}\{\.data\.kind\}\n/)
    await cluster.admin('DELETE', '/api/v1/namespaces/kube-system/configmaps/kubeadm-config')
  })

  await t.test('an address that is another one is refused with a sentence', async t => {
    const { code, stderr } = await cluster.helm('upgrade', 'authn-webhook', CHART, '--namespace', 'kube-system', '--set', 'service.clusterIP=10.96.0.15')
    t.not(code, 0)
    t.match(stderr, /service\.clusterIP is 10\.96\.0\.15, and the Service authn-webhook has 10\.96\.0\.14/)
  })

  await t.test('uninstalled, it leaves what must not be lost; installed again, it is the same', async t => {
    const users = await secret(cluster, 'authn-webhook-users', 'users.yaml')
    await helm(cluster, 'uninstall', 'authn-webhook')
    t.strictSame((await everything(cluster)).filter(name => !before.includes(name)), ['secret/authn-webhook-ca', 'secret/authn-webhook-users'])
    await helm(cluster, 'install', 'authn-webhook', CHART, ...VALUES)
    t.equal(await secret(cluster, 'authn-webhook-ca', 'tls.crt'), authority)
    t.equal(await secret(cluster, 'authn-webhook-users', 'users.yaml'), users)
    t.equal((await get(cluster, 'service', 'authn-webhook')).spec.clusterIP, clusterIP)
  })

  await t.test('once its authority is deleted there is another, and nothing brings the old one back', async t => {
    await cluster.kubectl('delete', 'secret', 'authn-webhook-ca', '--namespace', 'kube-system', `--kubeconfig=${cluster.adminKubeconfig}`)
    await helm(cluster, 'upgrade', 'authn-webhook', CHART, ...VALUES)
    const another = new X509Certificate((await secret(cluster, 'authn-webhook-ca', 'tls.crt'))!)
    t.not(another.toString(), authority)
    const checkLeaves = async (): Promise<void> => {
      for (const name of ['tls', 'apiserver']) t.ok(new X509Certificate((await secret(cluster, `authn-webhook-${name}`, 'tls.crt'))!).verify(another.publicKey), `${name} is of the new one`)
    }
    await checkLeaves()
    await helm(cluster, 'rollback', 'authn-webhook')
    await helm(cluster, 'upgrade', 'authn-webhook', CHART, ...VALUES)
    t.equal(await secret(cluster, 'authn-webhook-ca', 'tls.crt'), another.toString())
    await checkLeaves()
  })
})

/** As the kernel enforces it, with either version of cgroups. */
async function memoryLimit (pid: number): Promise<number> {
  const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8')
  const v1 = /^\d+:memory:(.*)$/m.exec(groups)?.[1]
  const file = v1 === undefined ? `/sys/fs/cgroup${/^0::(.*)$/m.exec(groups)![1]}/memory.max` : `/sys/fs/cgroup/memory${v1}/memory.limit_in_bytes`
  return Number(await readFile(file, 'utf8'))
}

interface Secured { readonly host: string, readonly port: number, readonly ca: string, readonly servername: string }

/** Verified as an API server verifies it. */
async function servedCertificate (options: Secured): Promise<{ serialNumber: string, subjectAltName: string }> {
  return await new Promise((resolve, reject) => {
    const socket = connect(options, () => {
      const { serialNumber, subjectaltname = '' } = socket.getPeerCertificate()
      socket.destroy()
      resolve({ serialNumber, subjectAltName: subjectaltname })
    }).on('error', reject)
  })
}

/** @returns the status of a review */
async function ask (options: Secured & { readonly cert?: string, readonly key?: string }): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    const call = request({ ...options, method: 'POST', path: '/authenticate', headers: { 'content-type': 'application/json' } }, response => {
      response.resume()
      resolve(response.statusCode)
    }).on('error', reject)
    call.end(JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'x' } }))
  })
}
