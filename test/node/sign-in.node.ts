/** People sign in: from a release without the sign-in service, by the commands of the chart's README, to its uninstallation. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { test } from 'tap'
import { CHART, everything, step } from '../chart-install/release.js'
import { startChromium } from '../fixtures/chromium.js'
import type { Home } from '../fixtures/credential-plugin.js'
import { ACL_RULES, REDIS_PASSWORD, startRedis } from '../fixtures/redis.js'
import { until } from '../fixtures/waiting.js'
import { ADDRESS, startIngressController } from './ingress.js'
import { addCrowd, loseNone } from './logins.js'
import { startNodes, type Nodes } from './nodes.js'
import { changeAlice, createAlice, installProgram, isOut, isSignedIn, kidOf, listNamespaces, makeComputer, signIn, signInFromTerminal } from './people.js'
import { listPods, settled } from './pods.js'

/** A commit whose chart has no sign-in service; in a shallow clone, today's chart without one stands in for it. */
const PREVIOUS = '8fbb0df'
const HOST = 'login.example.com'
const ISSUER = `https://${HOST}`
/** Milliseconds until kubelets have brought a changed Secret or ConfigMap to all pods, whether or not the annotation arrives before the change. */
const PATIENCE = 150_000

test('people sign in', async t => {
  const cwd = t.testdir({ previous: {} })
  const cluster = await startNodes(t, { workers: 1, cacheTTL: '0s' })
  const { shell } = cluster
  const chromium = await startChromium(t)
  const redis = await startRedis(t, { password: 'canary-default-user', tls: true, address: ADDRESS, conf: `user authn-webhook on >${REDIS_PASSWORD} ${ACL_RULES}` })
  if (chromium === undefined || redis === undefined) return
  await shell(`echo '127.0.0.1 localhost ${HOST}' > hosts && mount --bind hosts /etc/hosts`, cwd)
  const controller = await startIngressController(t, cluster, HOST)
  await installProgram(cluster, cwd)
  await shell(`kubectl -n kube-system create secret generic redis --from-literal=redis-password=${REDIS_PASSWORD}
kubectl -n kube-system create secret generic redis-tls --from-file=ca.crt=${redis.caFile}
kubectl create clusterrole auditors --verb=list --resource=namespaces
kubectl create clusterrolebinding auditors --clusterrole=auditors --group=auditors`)
  const before = await everything(cluster)
  const users = await createAlice(cluster, cwd)
  const helm = async (t: Parameters<typeof loseNone>[0], command: string): Promise<void> => {
    await loseNone(t, cluster, async () => {
      await shell(command, cwd)
      await settled(cluster)
    })
  }

  await t.test('helm install of the previous chart, which has no sign-in service', async () => {
    const known = spawnSync('git', ['cat-file', '-e', `${PREVIOUS}^{commit}`]).status === 0
    const archive = execFileSync('git', ['archive', known ? PREVIOUS : 'HEAD', 'charts/authn-webhook'], { maxBuffer: 2 ** 26 })
    execFileSync('tar', ['-x', '-C', join(cwd, 'previous')], { input: archive })
    await shell('helm package previous/charts/authn-webhook --version 0.0.9', cwd)
    const notes = await shell('helm install authn-webhook authn-webhook-0.0.9.tgz --namespace kube-system', cwd)
    await settled(cluster)
    await addCrowd(cluster, users)
    await shell(step(notes, 3), cwd)
    await cluster.restart(join(cwd, 'webhook.yaml'))
  })

  await t.test('an upgrade to this chart, with login and Redis, loses no login', async t => {
    await writeFile(join(cwd, 'login.yaml'), JSON.stringify({ login: loginValues(cluster, redis.port) }))
    await helm(t, `helm upgrade authn-webhook ${CHART} --namespace kube-system --reset-then-reuse-values --wait --values login.yaml`)
    const pods = await loginPods(cluster)
    t.strictSame(pods.map(({ spec }) => spec.nodeName), ['node-2', 'node-2'], 'not beside the API server')
    t.match(await shell('helm test authn-webhook --namespace kube-system --timeout 2m'), /TEST SUITE: +authn-webhook-sign-in\n[\s\S]*?Phase: +Succeeded/)
  })

  const openBrowser = async (): Promise<Page> => {
    const browser = await chromium.newContext({ ignoreHTTPSErrors: true })
    t.teardown(async () => { await browser.close() })
    return await browser.newPage()
  }
  let page = await openBrowser()
  const newComputer = async (): Promise<Home> => await makeComputer(t, cluster, { issuer: ISSUER, ca: controller.ca }, join(cwd, 'bin'))
  const newSignIn = async (): Promise<Home> => {
    const computer = await newComputer()
    t.match(await signInFromTerminal(page, computer), { code: 0 })
    return computer
  }
  const computer = await newComputer()
  let renewed: Home

  await t.test('alice signs in with her browser, and kubectl knows her', async t => {
    controller.asked()
    await signIn(page, ISSUER)
    t.match(await signInFromTerminal(page, computer), { code: 1, screen: /User "alice" cannot list resource "namespaces"/ })
    t.equal(controller.asked().length, 2, 'both replicas have answered: they share the sign-in')
  })

  await t.test('a new group is hers with the same token; disabled, she is out, also of the page', async t => {
    await changeAlice(cluster, users, { groups: ['developers', 'auditors'] })
    await until('alice to be an auditor', async () => (await listNamespaces(cluster, computer)).code === 0, PATIENCE)
    await changeAlice(cluster, users, { disabled: true })
    await until('alice to be out', async () => await isOut(cluster, computer), PATIENCE)
    await until('the page to ask for a password', async () => !await isSignedIn(page, ISSUER), PATIENCE)
    await changeAlice(cluster, users, { disabled: false })
    await until('alice to be back', async () => (await listNamespaces(cluster, computer)).code === 0, PATIENCE)
    await until('the page to take her password', async () => await isSignedIn(page, ISSUER) || await signIn(page, ISSUER).then(() => true, () => false), PATIENCE)
    t.ok(await isSignedIn(page, ISSUER))
  })

  await t.test('the key is rotated by the commands of the README: no login is lost, and no session ends', async t => {
    const [publish, sign, retire] = commandsOf('Rotate a signing key')
    const keys = async (): Promise<string[]> => (await (await page.request.get(`${ISSUER}/jwks`)).json()).keys.map(({ kid }: { kid: string }) => kid)
    const reviews = async (): Promise<string[]> => (await settled(cluster)).map(({ name }) => name).sort()
    const old = await newSignIn()

    await helm(t, publish!)
    t.ok(await isSignedIn(page, ISSUER), 'published: the browser session is open')
    t.equal((await keys()).length, 2)
    t.equal(await kidOf(await newSignIn()), await kidOf(old), 'the old one signs')

    const pods = await reviews()
    await helm(t, sign!)
    t.ok(await isSignedIn(page, ISSUER), 'the new one signs: the browser session is open')
    t.strictSame(await reviews(), pods, 'reviews have it already')
    renewed = await newSignIn()
    t.strictSame(await keys(), [await kidOf(renewed), await kidOf(old)])
    for (const each of [old, renewed]) t.match(await listNamespaces(cluster, each), { code: 0 }, each === old ? 'with a token of the old one' : 'with one of the new one')
    t.match(await shell('helm test authn-webhook --namespace kube-system --timeout 2m'), /TEST SUITE: +authn-webhook-sign-in\n[\s\S]*?Phase: +Succeeded/)

    // sessions from before last until step 3 at most, which comes when they have expired
    page = await openBrowser()
    await signIn(page, ISSUER)
    await helm(t, retire!)
    t.ok(await isSignedIn(page, ISSUER), 'the old one is gone: the browser session is open')
    t.strictSame(await keys(), [await kidOf(renewed)])
    t.match(await listNamespaces(cluster, renewed), { code: 0 })
    t.ok(await isOut(cluster, old), 'whose tokens nobody has let expire')
  })

  await t.test('rolled back to the chart without it, and forward: no login is lost, and no key', async t => {
    await helm(t, 'helm rollback authn-webhook 1 --namespace kube-system --wait')
    t.ok(await isOut(cluster, renewed), 'a token is unknown')
    await until('the sign-in service to be gone', async () => (await loginPods(cluster)).length === 0, PATIENCE)
    await helm(t, 'helm rollback authn-webhook 5 --namespace kube-system --wait')
    t.match(await listNamespaces(cluster, renewed), { code: 0 }, 'and known again')
    t.ok(await isSignedIn(page, ISSUER), 'so is the browser')
  })

  await t.test('tokens are revoked by the commands of the README', async t => {
    await shell(`PATH=$PWD/bin:$PATH\n${commandsOf('Revoke session tokens').join('\n')}`, cwd)
    await until('the token to be revoked', async () => await isOut(cluster, renewed), PATIENCE)
    t.match(await signInFromTerminal(page, await newComputer()), { code: 0 }, 'the next one is not')
  })

  await t.test('uninstalled, it leaves behind only what is documented', async t => {
    await shell('helm uninstall authn-webhook --namespace kube-system')
    await until('the pods to be gone', async () => (await listPods(cluster)).length + (await loginPods(cluster)).length === 0, PATIENCE)
    t.strictSame((await everything(cluster)).filter(name => !before.includes(name)), [
      'configmap/authn-webhook-revocations', 'secret/authn-webhook-ca', 'secret/authn-webhook-login-key-second', 'secret/authn-webhook-users'
    ])
  })
})

function loginValues ({ server }: Nodes, redisPort: number): object {
  return {
    enabled: true,
    replicaCount: 2,
    config: {
      issuer: ISSUER,
      trustedProxies: [ADDRESS],
      clients: [{ id: 'production', name: 'Production', grants: ['authorizationCode', 'deviceCode', 'password'], cluster: { server, certificateAuthorityFile: '/etc/authn-webhook/cluster/ca.crt' } }]
    },
    store: { kind: 'redis', url: `rediss://${ADDRESS}:${redisPort}`, username: 'authn-webhook', passwordSecret: { name: 'redis', key: 'redis-password' }, caSecret: { name: 'redis-tls' } },
    ingress: { enabled: true }
  }
}

async function loginPods ({ admin }: Nodes): Promise<any[]> {
  return (await admin('GET', '/api/v1/namespaces/kube-system/pods?labelSelector=app.kubernetes.io/component=login')).body.items
}

/** The commands of a section of the chart's README, as one would type them in a clone. */
function commandsOf (heading: string): string[] {
  const [, section = ''] = new RegExp(`^### ${heading}\\n([\\s\\S]*?)(?=^##)`, 'm').exec(readFileSync(join(CHART, 'README.md'), 'utf8')) ?? []
  return [...section.matchAll(/^( *)```sh\n([\s\S]*?)^ *```$/gm)].map(([, indent, code]) => code!.replaceAll(new RegExp(`^${indent}`, 'gm'), '').replaceAll(' charts/authn-webhook ', ` ${CHART} `))
}
