import fc from 'fast-check'
import { load } from 'js-yaml'
import { test } from 'tap'
import { GRANTS } from '../../../schemas/login.js'
import { createKubeconfigFile, KUBECONFIG_VARIANTS, kubeconfigFileName, type KubeconfigModel, type KubeconfigVariant } from '../../../src/login/kubeconfig.js'
import { holds } from '../../fixtures/property.js'

const MODEL: KubeconfigModel = {
  id: 'production',
  name: 'Production',
  server: 'https://api.example.com:6443',
  issuer: 'https://login.example.com',
  grants: ['authorizationCode'],
  token: 'eyJ.canary.token'
}

function createKubeconfig (variant: KubeconfigVariant, model: KubeconfigModel): string {
  return createKubeconfigFile(variant, model)!.text
}

test('login: kubectl runs authn-webhook login', async t => {
  t.equal(createKubeconfig('login', { ...MODEL, certificateAuthority: 'PEM' }), `# Production: created by https://login.example.com
apiVersion: v1
kind: Config
clusters:
  - name: production
    cluster:
      server: https://api.example.com:6443
      certificate-authority-data: UEVN
users:
  - name: production
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1
        command: authn-webhook
        args:
          - login
          - --issuer=https://login.example.com
          - --client=production
        interactiveMode: IfAvailable
        provideClusterInfo: false
        installHint: authn-webhook is not installed or not in the PATH. Ask your administrator how to get it, or download another kubeconfig from https://login.example.com.
contexts:
  - name: production
    context:
      cluster: production
      user: production
current-context: production
`)
})

function parse (variant: KubeconfigVariant, model: KubeconfigModel): any {
  return load(createKubeconfig(variant, model))
}

const LOGIN = ['oidc-login', 'get-token', '--oidc-issuer-url=https://login.example.com', '--oidc-client-id=production', '--oidc-extra-scope=groups']

for (const [grants, more] of [
  [['authorizationCode'], []],
  [['deviceCode', 'authorizationCode'], []],
  [['deviceCode'], ['--grant-type=device-code']],
  [['password', 'deviceCode'], ['--grant-type=device-code']],
  [['password'], ['--grant-type=password']]
] as const) {
  test(`kubelogin for ${grants.join(' and ')}`, async t => {
    const { exec } = parse('kubelogin', { ...MODEL, grants }).users[0].user
    t.match(exec, { apiVersion: 'client.authentication.k8s.io/v1', command: 'kubectl', interactiveMode: 'IfAvailable', installHint: /krew install oidc-login/ })
    t.strictSame(exec.args, [...LOGIN, ...more])
  })
}

test('only the variant with the token contains it', async t => {
  t.strictSame(parse('token', MODEL).users, [{ name: 'production', user: { token: MODEL.token } }])
  for (const variant of ['login', 'kubelogin'] as const) t.notMatch(createKubeconfig(variant, MODEL), MODEL.token)
})

test('the CA of the sign-in service is passed on if it is needed', async t => {
  for (const variant of ['login', 'kubelogin'] as const) {
    t.notMatch(createKubeconfig(variant, MODEL), 'certificate-authority')
    t.equal(parse(variant, { ...MODEL, issuerCertificateAuthority: 'PEM' }).users[0].user.exec.args.at(-1), '--certificate-authority-data=UEVN')
  }
})

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.array(fc.constantFrom('a', "'", '"', '\n', '\r', '\u2028', '\u0085', ': {', '# ', '- ', '&a', '*a', '!!js', '%', '@', '`', '\\', '\t', 'é', '\u202e', '\0', '---', '...', 'null', '0x1')).map(parts => parts.join(''))
)

test('every text survives', async t => {
  const model = fc.record({ id: text, name: text, server: text, certificateAuthority: text, issuer: text, issuerCertificateAuthority: text, grants: fc.uniqueArray(fc.constantFrom(...GRANTS), { minLength: 1 }), token: text })
  holds(t, fc.property(model, fc.constantFrom(...KUBECONFIG_VARIANTS), (model, variant) => {
    const { clusters, users, contexts, 'current-context': current } = parse(variant, model)
    const [{ name, cluster }] = clusters
    const { exec, token } = users[0].user
    return [name, users[0].name, contexts[0].name, contexts[0].context.user, contexts[0].context.cluster, current].every(each => each === model.id) &&
      cluster.server === model.server &&
      Buffer.from(cluster['certificate-authority-data'], 'base64').toString() === model.certificateAuthority &&
      (variant === 'token' ? token === model.token : exec.args.some((arg: string) => arg.endsWith(`=${model.issuer}`)) && exec.args.some((arg: string) => arg.endsWith(`=${model.id}`)))
  }))
})

test('a variant that the client does not offer', async t => {
  for (const variant of ['other', '', '__proto__', 'toString']) t.equal(createKubeconfigFile(variant, MODEL), undefined, variant)
  t.strictSame(KUBECONFIG_VARIANTS.filter(variant => createKubeconfigFile(variant, { ...MODEL, confidential: true }) !== undefined), ['token'], 'the client has a secret')
})

test('file names', async t => {
  t.equal(kubeconfigFileName('production', 'login'), 'kubeconfig-production.yaml')
  t.equal(createKubeconfigFile('kubelogin', MODEL)!.fileName, 'kubeconfig-production-kubelogin.yaml')
  t.equal(kubeconfigFileName('production', 'token'), 'kubeconfig-production-token.yaml')
  t.equal(kubeconfigFileName('../a"\r\nb', 'login'), 'kubeconfig-.._a___b.yaml')
  holds(t, fc.property(text, fc.constantFrom(...KUBECONFIG_VARIANTS), (id, variant) => /^kubeconfig-[A-Za-z0-9._-]{0,128}(-kubelogin|-token)?\.yaml$/.test(kubeconfigFileName(id, variant))))
})
