/** The way from an API server to the service: versions, protocols and certificates. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { hashPassword } from '../../src/authn/password-hash.js'
import type { CertificatePair } from '../../src/certificates/issue.js'
import { runCommand } from '../fixtures/command.js'
import { alice, basicToken, bob, type Person } from '../fixtures/people.js'
import type { Running } from '../fixtures/running.js'
import { apiServer, clientCA, clientCertificates, NAME, right, servingCA, servingCertificates, type Verdict } from './certificates.js'
import { startCluster, type Cluster, type Response } from './cluster.js'
import { startFront, type Protocol } from './front.js'
import { createWebhook, env, usersFile } from './webhook.js'

/** An API server that repeats its question takes longer than this. */
const ONE_TRY = 4_000

const PEOPLE = [{ name: 'people', kind: 'static', config: { usersFile: 'users.yaml' } }]

/** As many different people, each with a token. */
function crowd (name: string, count: number): Person[] {
  return Array.from({ length: count }, (_, index) => ({ user: { username: `${name}-${index}` }, password: '', token: `canary-${name}-${index}-0b7d52c9e6f1a384` }))
}

/** As whom an API server took a caller without rights. */
function asWhom ({ code, body }: Response): string {
  return code === 403 ? /User "([^"]*)"/.exec(body.message)![1]! : `${code} ${body.reason}`
}

function slowest (answers: readonly Response[]): number {
  return Math.round(Math.max(...answers.map(({ duration }) => duration)))
}

const protocols: ReadonlyArray<{ protocol: Protocol, offered: readonly Protocol[] }> = [
  { protocol: 'h2', offered: ['h2', 'http/1.1'] },
  { protocol: 'http/1.1', offered: ['http/1.1'] }
]

for (const version of ['v1', 'v1beta1'] as const) {
  // what never arrives at the front is waited for: not for ever
  test(`an API server that asks in ${version}`, { timeout: 60_000 }, async t => {
    const crowds = { h2: crowd('multiplexed', 201), 'http/1.1': crowd('queued', 201) }
    const typists = { h2: alice, 'http/1.1': bob }
    const passwords = await Promise.all([alice, bob].map(async ({ user, password }) => ({ ...user, passwordHash: await hashPassword(password) })))
    const webhook = await createWebhook(t, { identityProviders: PEOPLE, files: { 'users.yaml': usersFile(Object.values(crowds).flat(), passwords) } })
    await webhook.start()
    const front = await startFront(t, webhook.port)
    const cluster = await startCluster(t, { webhook: await webhook.kubeconfig('--server', front.url), version })
    const reviews = async (): Promise<number> => await webhook.metric(new RegExp(`^authn_webhook_token_reviews_total.*version="${version}"`))

    for (const { protocol, offered } of protocols) {
      await t.test(`and is offered ${offered.join(' and ')}`, async t => {
        await front.offer(...offered)
        const [first, ...callers] = crowds[protocol]
        if (!t.equal(asWhom(await cluster.call(first!.token)), first!.user.username, 'a caller gets in')) return
        t.same(front.spoken(), [protocol], `over ${protocol}`)

        const before = await reviews()
        const [answers] = await Promise.all([Promise.all(callers.map(async ({ token }) => await cluster.call(token))), front.gather(callers.length)])
        t.same(answers.map(asWhom), callers.map(({ user }) => user.username), '200 reviews at a time: everybody gets in, as themselves')
        t.equal(await reviews() - before, 200, 'each by one review')
        t.same(new Set(front.spoken()), new Set([protocol]))
        if (protocol === 'h2') t.equal(front.spoken().length, 1, 'all over one connection')
        t.comment(`${version}, 200 reviews at a time over ${protocol}: ${front.spoken().length} connections, the last answer after ${slowest(answers)} ms`)

        // a password takes a while to check, so that the calls meet
        const { user, password } = typists[protocol]
        const same = await Promise.all(Array.from({ length: 50 }, async () => await cluster.call(basicToken(user.username, password))))
        t.same(new Set(same.map(asWhom)), new Set([user.username]), '50 calls at a time with one token get in')
        t.equal(await reviews() - before, 201, 'all by one review')
      })
    }
  })
}

/** @param caller somebody new: an API server remembers its answers */
async function expectVerdict (t: Test, cluster: Cluster, caller: Person, verdict: Verdict): Promise<void> {
  const logged = (await cluster.log()).length
  const answer = await cluster.call(caller.token)
  if (verdict === 'in') {
    t.equal(asWhom(answer), caller.user.username, 'in')
  } else {
    t.equal(asWhom(answer), '401 Unauthorized', 'refused')
    t.match((await cluster.log()).slice(logged), verdict, 'and the API server logs why')
    t.ok(answer.duration < ONE_TRY, 'after one try')
  }
}

test('certificates', async t => {
  const people = crowd('caller', 20)
  const callers = people.values()
  const webhook = await createWebhook(t, {
    identityProviders: PEOPLE,
    files: { 'ca.crt': servingCA.cert, 'client-ca.crt': clientCA.cert, 'client.crt': apiServer.cert, 'client.key': apiServer.key, 'users.yaml': usersFile(people) }
  })
  const kubeconfigs = {
    byAddress: await webhook.kubeconfig(),
    byName: await webhook.kubeconfig('--tls-server-name', NAME, '--client-certificate', 'client.crt', '--client-key', 'client.key')
  }
  const [byAddress, byName] = await Promise.all([startCluster(t, { webhook: kubeconfigs.byAddress }), startCluster(t, { webhook: kubeconfigs.byName })])
  const clusters = { byAddress, byName }
  /** Begins anew: connections that are open keep the certificates that they began with. */
  const serve = async ({ cert, key }: CertificatePair): Promise<Running> => {
    await webhook.replace('tls.crt', cert)
    await webhook.replace('tls.key', key)
    return await webhook.start()
  }

  await t.test('of the service', async t => {
    for (const { what, certificate, ...verdicts } of servingCertificates) {
      await t.test(what, async t => {
        const running = await serve(certificate)
        await t.test('called by its address', async t => { await expectVerdict(t, clusters.byAddress, callers.next().value!, verdicts.byAddress) })
        await t.test('called by its address, with tls-server-name', async t => { await expectVerdict(t, clusters.byName, callers.next().value!, verdicts.byName) })
        await running.stop()
      })
    }
  })

  await t.test('of the API server, where one is required', async t => {
    const config = JSON.parse(await readFile(join(webhook.dir, 'config.yaml'), 'utf8'))
    for (const { what, asker, trusted, clientNames, verdict } of clientCertificates) {
      await t.test(what, async t => {
        await webhook.replace('client-ca.crt', trusted.cert)
        await webhook.replace('config.yaml', JSON.stringify({ ...config, tls: { ...config.tls, clientCAFile: 'client-ca.crt', clientNames } }))
        const running = await serve(right)
        await expectVerdict(t, clusters[asker], callers.next().value!, verdict)
        const { code, stderr } = await runCommand(['review', '--kubeconfig', kubeconfigs[asker], '--token-file', '-'], { cwd: webhook.dir, env, input: callers.next().value!.token })
        t.match({ code, stderr }, verdict === 'in' ? { code: 0 } : { code: 69, stderr: verdict }, '"review" with the same kubeconfig says the same')
        await running.stop()
        t.equal(running.stdout().split('"client":"kube-apiserver"').length - 1, verdict === 'in' ? 2 : 0, 'the audit line names the client')
        t.equal(running.stdout().includes('"audit":"TokenReview"'), verdict === 'in', 'and there is none of who may not ask')
      })
    }
  })
})
