/** What the kubelet makes of a pod in trouble: which it restarts, which it takes out of the Service, and which it leaves alone. */
import { connect } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { hashPassword } from '../../src/authn/password-hash.js'
import { createCA, issueServing } from '../../src/certificates/issue.js'
import { CHART } from '../chart-install/release.js'
import { attacker, STALLED } from '../fixtures/attackers.js'
import { authority } from '../fixtures/service.js'
import { alice, basicToken } from '../fixtures/people.js'
import { startNodes, type Nodes } from './nodes.js'
import { awaitPods, settled, type Pod } from './pods.js'

const DAY = 24 * 3_600_000
/** Seconds of a certificate, in which its pod becomes ready also on a busy machine. */
const LIFETIME = 90
const ONE = '--set replicaCount=1'

test('probes', async t => {
  const cluster = await startNodes(t)
  const { shell } = cluster
  const install = async (namespace: string, args: string, cwd?: string): Promise<Pod> => {
    await shell(`helm install authn-webhook ${CHART} --namespace ${namespace} ${ONE} ${args}`, cwd)
    return (await settled(cluster, 1, { namespace }))[0]!
  }

  await t.test('a directory that is away leaves the pod in the Service', async t => {
    const namespace = 'directory'
    // at the first address nobody listens, at the second there is nobody
    const cwd = t.testdir({
      'values.yaml': JSON.stringify({
        config: {
          identityProviders: [
            { name: 'break-glass', kind: 'static', usernamePrefix: 'break-glass:', groupPrefix: 'break-glass:', config: { usersFile: '/etc/authn-webhook/users/users.yaml' } },
            {
              name: 'directory',
              kind: 'ldap',
              usernamePrefix: 'corp:',
              groupPrefix: 'corp:',
              config: {
                preset: 'openldap',
                urls: ['ldaps://10.200.0.254', 'ldaps://10.200.0.99'],
                tls: { caFile: '/etc/authn-webhook/secrets/ldap/ca.crt' },
                bindDN: 'cn=authn-webhook,dc=example,dc=com',
                bindPassword: { file: '/etc/authn-webhook/secrets/ldap/password' },
                userSearch: { baseDN: 'ou=people,dc=example,dc=com' },
                groupSearch: { baseDN: 'ou=groups,dc=example,dc=com' }
              }
            }
          ]
        },
        secretMounts: [{ name: 'ldap', secretName: 'ldap' }]
      }),
      'ca.crt': authority.cert,
      password: 'canary-of-the-service-account'
    })
    await shell(`kubectl create namespace ${namespace} && kubectl -n ${namespace} create secret generic ldap --from-file=password --from-file=ca.crt`, cwd)
    const { address } = await install(namespace, '--values values.yaml', cwd)
    const isUp = async (): Promise<string> => /^authn_webhook_provider_up\{provider="directory"\} (\d)/m.exec(await (await fetch(`http://${address}:9443/metrics`)).text())![1]!
    t.equal(await isUp(), '0')
    // of each probe more than its threshold
    for (let probes = 0; probes < 4; probes++) {
      await sleep(5_000)
      const [pod] = await settled(cluster, 1, { namespace })
      t.equal(pod!.restarts, 0)
    }
    t.equal(await isUp(), '0', 'it is still away')
  })

  await t.test('an expired certificate takes the pod out of the Service, and a renewed one puts it back', async t => {
    const namespace = 'expiry'
    const ca = await createCA({ commonName: 'serving CA', days: 30, now: () => Date.now() - 2 * DAY })
    const issue = async (now: () => number): Promise<string> => {
      const { cert, key } = await issueServing(ca, { names: ['authn-webhook.kube-system.svc'], days: 1, now })
      return t.testdir({ 'tls.crt': cert, 'tls.key': key, 'ca.crt': ca.cert })
    }
    const create = `kubectl -n ${namespace} create secret generic authn-webhook-tls --from-file=tls.crt --from-file=tls.key --from-file=ca.crt`
    await shell(`kubectl create namespace ${namespace}`)
    const end = Date.now() + LIFETIME * 1000
    await shell(create, await issue(() => end - DAY))
    await install(namespace, '--set tls.mode=existingSecret')
    const [expired] = await awaitPods(cluster, 'a pod that is not ready', ([pod]) => pod?.ready === false, { namespace })
    const seconds = (Date.now() - end) / 1000
    t.comment(`not ready ${seconds.toFixed(1)} s after the end of its certificate`)
    t.ok(seconds > 0, 'not before')
    t.equal(expired!.restarts, 0, 'it is not killed')

    await shell(`${create} --dry-run=client -o yaml | kubectl apply --server-side --force-conflicts -f -`, await issue(Date.now))
    await shell(`kubectl -n ${namespace} annotate pods -l app.kubernetes.io/component=webhook renewed=yes`)
    t.equal((await settled(cluster, 1, { namespace }))[0]!.restarts, 0)
  })

  await t.test('neither a flood of wrong passwords nor one of stalled answers ends it by its memory', async t => {
    const namespace = 'flood'
    const cwd = t.testdir({ 'users.yaml': JSON.stringify({ apiVersion: 'authn-webhook/v1', users: [{ ...alice.user, passwordHash: await hashPassword(alice.password) }] }) })
    await shell(`kubectl create namespace ${namespace} && kubectl -n ${namespace} create secret generic people --from-file=users.yaml`, cwd)
    // HTTP/2, the worse of the two
    const { address } = await install(namespace, '--set users.existingSecret=people,config.server.http2=true')
    const client = await clientOf(cluster, namespace)
    const results = await floodPasswords(address, client)
    t.comment(JSON.stringify(results))
    t.equal(results.failed, 0, 'every review is answered')

    const clients = await Promise.allSettled(Array.from({ length: 400 }, async () => {
      const { socket } = await attacker({ port: 8443, ca: client.ca }, { host: address, servername: 'localhost' })
      for (let round = 0; round < 4; round++) socket.write(STALLED)
      return socket
    }))
    await sleep(10_000)
    t.ok(clients.some(({ status }) => status === 'fulfilled'), 'some got in')
    for (const client of clients) if (client.status === 'fulfilled') client.value.destroy()

    const [pod] = await settled(cluster, 1, { namespace })
    t.equal(pod!.restarts, 0, JSON.stringify(pod!.object.status.containerStatuses))
    t.match(await review(address, client, basicToken(alice.user.username, alice.password)), { authenticated: true })
  })
})

interface Client { readonly ca: string, readonly cert: string, readonly key: string }

/** The API server's credentials. */
async function clientOf ({ admin }: Nodes, namespace: string): Promise<Client> {
  const { body: { data } } = await admin('GET', `/api/v1/namespaces/${namespace}/secrets/authn-webhook-apiserver`)
  const read = (key: string): string => Buffer.from(data[key], 'base64').toString()
  const { body: { data: authority } } = await admin('GET', `/api/v1/namespaces/${namespace}/secrets/authn-webhook-ca`)
  return { ca: Buffer.from(authority['tls.crt'], 'base64').toString(), cert: read('tls.crt'), key: read('tls.key') }
}

/** 100 a second for 20 s, each of another name; a known one would be locked soon. */
async function floodPasswords (host: string, client: Client): Promise<{ answers: number, shed: number, failed: number }> {
  const results = { answers: 0, shed: 0, failed: 0 }
  const session = connect(`https://${host}:8443`, { ...client, servername: 'localhost' })
  await Promise.all(Array.from({ length: 2_000 }, async (_, index) => {
    await sleep(index * 10)
    await new Promise<void>(resolve => {
      const stream = session.request({ ':method': 'POST', ':path': '/authenticate', 'content-type': 'application/json' })
      stream.on('response', headers => { results[headers[':status'] === 429 ? 'shed' : 'answers']++ })
      stream.on('error', () => { results.failed++ })
      stream.on('close', resolve).resume()
      stream.end(reviewOf(basicToken(`user-${index}`, 'wrong')))
    })
  }))
  session.close()
  return results
}

async function review (host: string, client: Client, token: string): Promise<any> {
  const session = connect(`https://${host}:8443`, { ...client, servername: 'localhost' })
  const stream = session.request({ ':method': 'POST', ':path': '/authenticate', 'content-type': 'application/json' })
  stream.end(reviewOf(token))
  const chunks = await stream.toArray()
  session.close()
  return JSON.parse(Buffer.concat(chunks).toString()).status
}

function reviewOf (token: string): string {
  return JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } })
}
