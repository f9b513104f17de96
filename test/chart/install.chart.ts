/** The promise of the chart, on a real API server: install → log in → upgrade → still in → uninstall. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { test, type Test } from 'tap'
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
  const addUser = async (t: Test, name: string): Promise<string> => {
    const { code, stderr } = await typeNotes(cluster, step(notes, 2).replace('alice', name), cwd, pod)
    t.match({ code, stderr }, { code: 0 }, 'the line succeeds')
    await pod.refresh()
    await eventually(async () => (await pod.logs()).includes(`"users":${name === 'alice' ? 1 : 2},`) || undefined)
    return /token laptop: (\S+)/.exec(stderr)![1]!
  }

  await t.test('it starts without anybody, and says so', async t => {
    t.match(await pod.logs(), /"level":"warn".*this provider lets nobody in/)
    t.notMatch(await pod.logs(), /every user of this machine may read the private key/)
  })

  await t.test('it runs as it was told: read-only, without root, without capabilities, in 128 MiB', async t => {
    const { State: { Pid }, HostConfig: { ReadonlyRootfs } } = JSON.parse(await podman(['inspect', pod.container]))[0]
    const status = Object.fromEntries((await readFile(`/proc/${Pid}/status`, 'utf8')).split('\n').map(line => line.split(/:\s+/) as [string, string]))
    t.match(status, { Uid: /^65532\t65532/, CapEff: '0000000000000000', CapBnd: '0000000000000000', NoNewPrivs: '1', Seccomp: '2' })
    t.equal(ReadonlyRootfs, true)
    t.equal(await memoryLimit(Pid), 128 * 1024 * 1024)
  })

  await t.test('the notes end in a working API server', async t => {
    const token = await addUser(t, 'alice')
    const { code, stderr } = await typeNotes(cluster, step(notes, 3), cwd)
    t.match({ code, stderr }, { code: 0 }, 'the line succeeds')
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

  await t.test('only the holder of the client certificate may ask', async t => {
    const { status } = await reviewWithoutCertificate(secured)
    t.equal(status, 401)
    const client = new X509Certificate((await secret(cluster, 'authn-webhook-apiserver', 'tls.crt'))!)
    t.match(client.subject, /CN=kube-apiserver/)
    t.ok(client.publicKey.asymmetricKeyDetails?.namedCurve === 'prime256v1', 'ECDSA')
  })

  await t.test('an upgrade that changes nothing renews nothing', async t => {
    const before = await Promise.all(['ca', 'tls', 'apiserver'].map(async name => await get(cluster, 'secret', `authn-webhook-${name}`)))
    await helm(cluster, 'upgrade', 'authn-webhook', CHART, ...VALUES, '--set', 'podAnnotations.touched=yes')
    const after = await Promise.all(['ca', 'tls', 'apiserver'].map(async name => await get(cluster, 'secret', `authn-webhook-${name}`)))
    t.strictSame(after.map(({ data }) => data), before.map(({ data }) => data))
    t.equal((await get(cluster, 'service', 'authn-webhook')).spec.clusterIP, clusterIP)
  })

  await t.test('an upgrade rotates the leaf under the same authority, and everybody stays in', async t => {
    const bob = await addUser(t, 'bob')
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
    await helm(cluster, 'upgrade', 'authn-webhook', CHART, ...VALUES, '--set', 'tls.helm.renewBeforeDays=731')
    t.not(await secret(cluster, 'authn-webhook-tls', 'tls.crt'), before)
    t.equal(await secret(cluster, 'authn-webhook-ca', 'tls.crt'), authority)
  })

  await t.test('going back to the first release keeps everybody', async t => {
    const users = await secret(cluster, 'authn-webhook-users', 'users.yaml')
    await helm(cluster, 'rollback', 'authn-webhook', '1')
    t.equal(await secret(cluster, 'authn-webhook-users', 'users.yaml'), users)
    t.match(users, /alice[\s\S]*bob/)
  })

  await t.test('an address that is another one is refused with a sentence', async t => {
    const { code, stderr } = await cluster.helm('upgrade', 'authn-webhook', CHART, '--namespace', 'kube-system', '--set', 'service.clusterIP=10.96.0.15')
    t.not(code, 0)
    t.match(stderr, /service\.clusterIP is 10\.96\.0\.15, and the Service authn-webhook has 10\.96\.0\.14/)
  })

  await t.test('uninstalled, it leaves what must not be lost; installed again, it is the same', async t => {
    const users = await secret(cluster, 'authn-webhook-users', 'users.yaml')
    await helm(cluster, 'uninstall', 'authn-webhook')
    t.strictSame(await everything(cluster), ['secret/authn-webhook-ca', 'secret/authn-webhook-users'])
    await helm(cluster, 'install', 'authn-webhook', CHART, ...VALUES)
    t.equal(await secret(cluster, 'authn-webhook-ca', 'tls.crt'), authority)
    t.equal(await secret(cluster, 'authn-webhook-users', 'users.yaml'), users)
    t.equal((await get(cluster, 'service', 'authn-webhook')).spec.clusterIP, clusterIP)
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

async function reviewWithoutCertificate (options: Secured): Promise<{ status: number | undefined }> {
  const { request } = await import('node:https')
  return await new Promise((resolve, reject) => {
    const call = request({ ...options, method: 'POST', path: '/authenticate', headers: { 'content-type': 'application/json' } }, response => {
      response.resume()
      resolve({ status: response.statusCode })
    }).on('error', reject)
    call.end(JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'x' } }))
  })
}
