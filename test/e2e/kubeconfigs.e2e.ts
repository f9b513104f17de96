/**
 * With which kubeconfigs an API server starts. It reads them before it asks
 * etcd for anything, so that a socket in place of etcd is enough to see which
 * way it went.
 */
import { execFileSync, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test, type Test } from 'tap'
import { issueServing } from '../../src/certificates/issue.js'
import { FILES, KUBECONFIGS } from '../fixtures/kubeconfigs.js'
import { authority } from '../fixtures/service.js'
import { tool } from './cluster.js'

/** It has no port without TLS any more from 1.24 on. */
const FLAGS = execFileSync(tool('KUBE_APISERVER'), ['--version'], { encoding: 'utf8' }).includes('v1.20.') ? ['--insecure-port=0'] : []

/** Whether it gets as far as etcd with this file, and if not, what it says. */
async function start (t: Test, dir: string, webhook: string): Promise<{ starts: boolean, words: string }> {
  const etcd = createServer(socket => { socket.destroy() }).listen(0, '127.0.0.1')
  await once(etcd, 'listening')
  const at = (name: string): string => join(dir, name)
  const child = spawn(tool('KUBE_APISERVER'), [
    `--etcd-servers=http://127.0.0.1:${(etcd.address() as AddressInfo).port}`, '--bind-address=127.0.0.1', '--advertise-address=127.0.0.1', '--endpoint-reconciler-type=none',
    `--tls-cert-file=${at('apiserver.crt')}`, `--tls-private-key-file=${at('apiserver.key')}`, `--client-ca-file=${at('ca.crt')}`, `--cert-dir=${dir}`,
    `--service-account-key-file=${at('sa.pub')}`, `--service-account-signing-key-file=${at('sa.key')}`, '--service-account-issuer=https://kubernetes.default.svc',
    '--service-cluster-ip-range=10.96.0.0/24', '--authorization-mode=RBAC', '--secure-port=6443',
    ...FLAGS,
    `--authentication-token-webhook-config-file=${webhook}`, '--authentication-token-webhook-version=v1'
  ], { stdio: ['ignore', 'pipe', 'pipe'] })
  const words = Promise.all([text(child.stdout), text(child.stderr)])
  t.teardown(() => { child.kill('SIGKILL') })
  try {
    const starts = await Promise.race([once(etcd, 'connection').then(() => true), once(child, 'exit').then(() => false)])
    child.kill('SIGKILL')
    return { starts, words: (await words).join('') }
  } finally {
    etcd.close()
  }
}

test('with which kubeconfigs an API server starts', async t => {
  const serving = await issueServing(authority, { names: ['127.0.0.1'], days: 1 })
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } })
  const dir = t.testdir({ ...FILES, 'apiserver.crt': serving.cert, 'apiserver.key': serving.key, 'sa.pub': publicKey, 'sa.key': privateKey })
  for (const { what, text, starts } of KUBECONFIGS) {
    const file = join(dir, 'config')
    await writeFile(file, text)
    const seen = await start(t, dir, file)
    t.equal(seen.starts, starts, what, { words: seen.words.slice(-500) })
  }
})
