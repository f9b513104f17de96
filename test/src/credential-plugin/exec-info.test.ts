/** What kubectl tells the plugin, and whom the plugin trusts for it. */
import { rootCertificates } from 'node:tls'
import { test } from 'tap'
import { readPartialAccount } from '../../../src/cli/commands/login/account-options.js'
import { readExecInfo, trustOf } from '../../../src/credential-plugin/exec-info.js'
import { openIssuer } from '../../../src/credential-plugin/issuer/open-issuer.js'
import { scriptIssuer } from '../../fixtures/scripted-issuer.js'
import { execInfo } from '../../fixtures/credential-plugin.js'
import { authority } from '../../fixtures/service.js'
import { startSignInIssuer } from '../../fixtures/sign-in-issuer.js'

/** `provideClusterInfo: true` */
function clusterInfo (ca: string, version?: string): NodeJS.ProcessEnv {
  return execInfo({ ...version !== undefined && { version }, cluster: { server: 'https://api.example.com:6443', 'certificate-authority-data': Buffer.from(ca).toString('base64') } })
}

for (const version of ['v1', 'v1beta1']) {
  void test(`${version}: reads version, terminal and CA`, async t => {
    const apiVersion = `client.authentication.k8s.io/${version}`
    t.strictSame(readExecInfo(clusterInfo(authority.cert, version)), { apiVersion, interactive: true, clusterCA: authority.cert })
    t.strictSame(readExecInfo(execInfo({ version, interactive: false })), { apiVersion, interactive: false, clusterCA: undefined })
  })
}

void test('kubectl before 1.22 does not say whether there is a terminal', async t => {
  const env = { KUBERNETES_EXEC_INFO: JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1beta1', kind: 'ExecCredential', spec: {} }) }
  t.strictSame(readExecInfo(env), { apiVersion: 'client.authentication.k8s.io/v1beta1', interactive: undefined, clusterCA: undefined })
})

void test('the CA of the cluster is trusted beside those of Node.js', async t => {
  const trusted = await trustOf(readExecInfo(clusterInfo(authority.cert)))
  t.strictSame(trusted?.split(/(?<=-----END CERTIFICATE-----)\n/).map(pem => pem.trim()).filter(pem => pem !== ''), [...rootCertificates, authority.cert].map(pem => pem.trim()))
  t.equal(await trustOf(readExecInfo(execInfo())), undefined, 'no cluster: those of Node.js')
  t.equal(await trustOf(undefined), undefined, 'no kubectl: those of Node.js')
})

void test('a sign-in service with a certificate of the cluster', async t => {
  const { account } = await startSignInIssuer(t)
  const { signal } = new AbortController()
  const withCluster = async (ca: string): Promise<string | undefined> => (await readPartialAccount({}, readExecInfo(clusterInfo(ca)))).ca
  t.ok(await openIssuer({ ...account, ca: await withCluster(account.ca!) }, signal))
  await t.rejects(openIssuer({ ...account, ca: await withCluster(authority.cert) }, signal), { message: /its certificate is not signed by a trusted CA/ })
})

void test('a CA of the command line is trusted instead of that of the cluster', async t => {
  const info = readExecInfo(clusterInfo(authority.cert))
  const { ca } = await scriptIssuer(t)
  const file = `${t.testdir({ 'ca.crt': ca })}/ca.crt`
  t.equal((await readPartialAccount({ certificateAuthority: file }, info)).ca, ca)
  t.equal((await readPartialAccount({ certificateAuthorityData: ca }, info)).ca, ca)
})
