/** One process that reviews and signs in, and an API server that asks it, in which auditors may list namespaces. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createSigningKey } from '../../src/session-keys/key-directory.js'
import { freePort } from '../fixtures/child.js'
import { startCluster, type Cluster } from './cluster.js'
import { createWebhook, type Webhook } from './webhook.js'

export interface SignInCluster {
  readonly cluster: Cluster
  readonly webhook: Webhook
  readonly issuer: string
}

/** @param files beside the config of the service */
export async function startSignInCluster (t: Test, provider: object, files: Record<string, string> = {}): Promise<SignInCluster> {
  const port = await freePort()
  const issuer = `https://127.0.0.1:${port}`
  const keys = t.testdir({})
  const { certFile, keyFile } = await createSigningKey(keys)
  const webhook = await createWebhook(t, {
    identityProviders: [{ name: 'corp', usernamePrefix: 'corp:', groupPrefix: 'corp:', cache: { successTTL: '1s', failureTTL: '1s' }, ...provider }],
    config: {
      login: { issuer, host: '127.0.0.1', port, tls: { certFile: 'tls.crt', keyFile: 'tls.key' }, signingKeys: [{ certFile, keyFile }], certificateAuthorityFile: 'ca.crt', clients: [{ id: 'production', name: 'Production', grants: ['authorizationCode', 'deviceCode', 'password'], cluster: { server: 'https://127.0.0.1:1' } }] },
      sessions: { revocationsFile: 'revocations.yaml' }
    },
    files: { 'revocations.yaml': 'apiVersion: authn-webhook/v1\nrevocations: []\n', ...files }
  })
  const cluster = await startCluster(t, { webhook: await webhook.kubeconfig(), cacheTTL: '1s' })
  const config = JSON.parse(await readFile(join(webhook.dir, 'config.yaml'), 'utf8'))
  config.login.clients[0].cluster = { server: cluster.server, certificateAuthorityFile: cluster.authority }
  await webhook.replace('config.yaml', JSON.stringify(config))
  await webhook.start()
  const [apiGroup, metadata] = ['rbac.authorization.k8s.io', { name: 'auditors' }]
  const create = async (kind: string, object: object): Promise<void> => {
    const { code, body } = await cluster.admin('POST', `/apis/${apiGroup}/v1/${kind.toLowerCase()}s`, { apiVersion: `${apiGroup}/v1`, kind, metadata, ...object })
    if (code !== 201) throw new Error(`${kind}: ${code} ${JSON.stringify(body)}`)
  }
  await create('ClusterRole', { rules: [{ apiGroups: [''], resources: ['namespaces'], verbs: ['list'] }] })
  await create('ClusterRoleBinding', { roleRef: { apiGroup, kind: 'ClusterRole', name: 'auditors' }, subjects: [{ apiGroup, kind: 'Group', name: 'corp:auditors' }] })
  return { cluster, webhook, issuer }
}
