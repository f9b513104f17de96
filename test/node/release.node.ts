/** A release from its installation to its end: what its operator types, and that users notice nothing. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { test } from 'tap'
import { CHART, everything, step } from '../chart-install/release.js'
import { until } from '../fixtures/waiting.js'
import { addCrowd, loseNone } from './logins.js'
import { startNodes } from './nodes.js'
import { listPods, selector, settled } from './pods.js'

/** As the chart's README says it, in a clone. */
const RENEWAL = /(?<=\*\*Renew the serving certificate now\*\*: `)[^`]*/.exec(readFileSync(join(CHART, 'README.md'), 'utf8'))![0].replace('charts/authn-webhook', CHART)
const UPGRADE = `helm upgrade authn-webhook ${CHART} --namespace kube-system`

test('a release on two nodes', async t => {
  const cwd = t.testdir({})
  const cluster = await startNodes(t, { workers: 1, cacheTTL: '0s' })
  const { nodes: [controlPlane, worker], shell } = cluster
  const before = await everything(cluster)

  const began = performance.now()
  const say = (what: string): void => { t.comment(`${what} after ${((performance.now() - began) / 1000).toFixed(1)} s`) }
  let notes: string
  let token: string

  await t.test('helm install, and the first three steps of its notes, to the letter', async t => {
    notes = await shell(`helm install authn-webhook ${CHART} --namespace kube-system`)
    say('installed')
    t.match(await shell(step(notes, 1), cwd), /successfully rolled out[\s\S]*Phase: +Succeeded/)
    say('ready, and tested by helm test')
    token = /token laptop: (\S+)/.exec(await shell(step(notes, 2), cwd))![1]!
    await shell(step(notes, 3), cwd)
    say('alice has a token, and the API server a file')
  })

  await t.test('each replica is on a node of its own', async t => {
    t.strictSame((await settled(cluster)).map(({ node }) => node).sort(), ['node-1', 'node-2'])
  })

  await t.test('many more users, by the commands of the documentation', async () => {
    await addCrowd(cluster, join(cwd, 'users.new.yaml'))
  })

  await t.test('the other steps: the API server gets its flags, and alice logs in', async t => {
    const [steps] = step(notes, 4).split('\n')
    t.match(await shell(steps!, cwd), '--authentication-token-webhook-config-file=')
    await cluster.restart(join(cwd, 'webhook.yaml'))
    // an API server of 1.20 can't tell people who they are
    const login = step(notes, 5).replace('awt_…', token).replace('auth whoami', 'get namespaces')
    t.match((await cluster.attempt(login, cwd)).stderr, 'User "alice" cannot list resource "namespaces"')
    say('alice is known')
  })

  await t.test('an upgrade that changes the config loses no login', async t => {
    await loseNone(t, cluster, async () => {
      await shell(`${UPGRADE} --set config.log.level=debug && kubectl -n kube-system rollout status deployment/authn-webhook --timeout=2m`)
      await settled(cluster)
    })
    t.match(await shell('kubectl -n kube-system exec deployment/authn-webhook -- node -p "fs.readFileSync(\'/etc/authn-webhook/config/config.yaml\', \'utf8\')"'), 'level: debug')
  })

  await t.test('a deleted pod loses no login', async t => {
    for (const { name } of await settled(cluster)) {
      await loseNone(t, cluster, async () => {
        await shell(`kubectl -n kube-system delete pod ${name} --wait=false`)
        await settled(cluster)
      })
    }
  })

  await t.test('the drain of a node with both replicas loses no login', async t => {
    await shell(`kubectl cordon ${controlPlane!.name} && kubectl -n kube-system delete pods --wait=false -l ${selector()} --field-selector spec.nodeName=${controlPlane!.name}`)
    t.strictSame((await settled(cluster)).map(({ node }) => node), [worker!.name, worker!.name])
    await shell(`kubectl uncordon ${controlPlane!.name}`)
    await loseNone(t, cluster, async () => {
      await shell(`kubectl drain ${worker!.name} --ignore-daemonsets`)
      t.strictSame((await settled(cluster)).map(({ node }) => node), [controlPlane!.name, controlPlane!.name])
    })
    await shell(`kubectl uncordon ${worker!.name}`)
  })

  await t.test('a renewed certificate loses no login', async t => {
    const old = await servedCertificate((await listPods(cluster))[0]!.address)
    await loseNone(t, cluster, async () => {
      await shell(RENEWAL)
      await shell(`kubectl -n kube-system annotate pods -l ${selector()} --overwrite authn-webhook/users-changed="$(date +%s%N)"`)
      for (const { address } of await settled(cluster)) await until('the new certificate', async () => await servedCertificate(address) !== old)
    })
  })

  await t.test('a rollback loses no login', async t => {
    await loseNone(t, cluster, async () => {
      await shell('helm rollback authn-webhook 1 --namespace kube-system && kubectl -n kube-system rollout status deployment/authn-webhook --timeout=2m')
      await settled(cluster)
    })
  })

  await t.test('uninstalled, it leaves the API server alone, and behind only what is documented', async t => {
    await shell('helm uninstall authn-webhook --namespace kube-system')
    await until('the pods to be gone', async () => (await listPods(cluster)).length === 0, 120_000)
    t.strictSame((await everything(cluster)).filter(name => !before.includes(name)), ['secret/authn-webhook-ca', 'secret/authn-webhook-users'])
    t.equal((await cluster.admin('GET', '/readyz')).code, 200, 'who has a client certificate does not need it')
  })
})

/** @returns the serial number of the one that it serves */
async function servedCertificate (host: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    const socket = connect({ host, port: 8443, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    }).on('error', reject)
  })
}
