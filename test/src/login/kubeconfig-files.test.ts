/** The CAs in the kubeconfigs that people download. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import type { LoginConfig } from '../../../schemas/login.js'
import { openKubeconfigFiles } from '../../../src/login/kubeconfig-files.js'
import type { ClientModel } from '../../../src/login/pages/models.js'
import { authority, serving } from '../../fixtures/service.js'

const MODEL: ClientModel = { id: 'production', name: 'Production', issuer: 'https://login.example.com', username: 'alice', groups: [], server: 'https://api.example.com:6443', token: 'canary-token', expiresAt: new Date(), grants: ['authorizationCode'] }

const configOf = (certificateAuthorityFile: string, clusterFile: string): LoginConfig =>
  ({ certificateAuthorityFile, clients: [{ id: 'production', cluster: { server: MODEL.server, certificateAuthorityFile: clusterFile } }] }) as LoginConfig

test('both CAs are embedded, as their files are at the download', async t => {
  const dir = t.testdir({ 'login.crt': authority.cert, 'cluster.crt': serving.cert })
  const create = await openKubeconfigFiles(configOf(join(dir, 'login.crt'), join(dir, 'cluster.crt')))
  const base64 = (pem: string): string => Buffer.from(pem).toString('base64')
  t.match((await create('kubelogin', MODEL))?.text, base64(authority.cert))
  t.match((await create('token', MODEL))?.text, base64(serving.cert))
  t.equal(await create('other', MODEL), undefined)
  await writeFile(join(dir, 'cluster.crt'), authority.cert)
  t.match((await create('token', MODEL))?.text, base64(authority.cert))
  await rm(join(dir, 'cluster.crt'))
  await t.rejects(create('token', MODEL), /cluster\.crt/)
})

test('a private key is given to nobody', async t => {
  const dir = t.testdir({ 'ca.crt': authority.cert, 'with-key.pem': `${serving.cert}${serving.key}` })
  const [good, bad] = [join(dir, 'ca.crt'), join(dir, 'with-key.pem')]
  await t.rejects(openKubeconfigFiles(configOf(bad, good)), /private key/)
  await t.rejects(openKubeconfigFiles(configOf(good, bad)), /private key/)
})
