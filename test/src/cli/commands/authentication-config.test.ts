/** `webhook-config --authentication-config`: what it prints is checked by the provider that speaks the API server's vocabulary. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { dump, load } from 'js-yaml'
import { AuthenticationConfiguration } from '../../../../schemas/authentication-configuration.js'
import { createCA } from '../../../../src/certificates/issue.js'
import { webhookConfigCommand } from '../../../../src/cli/commands/webhook-config.js'
import { findErrors } from '../../../../src/documents/schema-errors.js'
import { runInProcess } from '../../../fixtures/command-in-process.js'
import { runCommand, type Outcome } from '../../../fixtures/command.js'
import { makeKey, openJwt, signed } from '../../../fixtures/jwt.js'

const ISSUER = 'https://login.example.com/cluster'
const authority = await createCA({ commonName: 'login CA', days: 2 })

function home (t: Test, login: object = {}): string {
  return t.testdir({
    'ca.crt': authority.cert,
    'users.yaml': 'apiVersion: authn-webhook/v1\nusers: []\n',
    'authn-webhook.yaml': dump({
      apiVersion: 'authn-webhook/v1',
      server: { host: '127.0.0.1' },
      tls: { certFile: 'tls.crt', keyFile: 'tls.key' },
      identityProviders: [{ name: 'people', kind: 'static', config: { usersFile: 'users.yaml' } }],
      login: { issuer: ISSUER, trustedProxies: ['10.0.0.1'], signingKeys: [{ certFile: 'a.crt', keyFile: 'a.key' }], clients: [{ id: 'production' }], ...login }
    }),
    'without.yaml': dump({
      apiVersion: 'authn-webhook/v1',
      tls: { certFile: 'tls.crt', keyFile: 'tls.key' },
      identityProviders: [{ name: 'people', kind: 'static', config: { usersFile: 'users.yaml' } }]
    })
  })
}

test('the CA of the sign-in service is the one of the config, unless another is named', async t => {
  const other = (await createCA({ commonName: 'other CA', days: 2 })).cert
  const cwd = home(t, { certificateAuthorityFile: 'ca.crt' })
  writeFileSync(join(cwd, 'other.crt'), other)
  const caOf = async (...args: string[]): Promise<unknown> => (load((await runInProcess(webhookConfigCommand, ['webhook-config', '--authentication-config', '--config', join(cwd, 'authn-webhook.yaml'), ...args])).stdout) as any).jwt[0].issuer.certificateAuthority
  t.equal(await caOf(), authority.cert)
  t.equal(await caOf('--certificate-authority', join(cwd, 'other.crt')), other)
})

const TWO = { clients: [{ id: 'production' }, { id: 'staging' }] }

test('the file says what is lost, and is one of the API server', async t => {
  const cwd = home(t)
  const { code, stdout, stderr } = await runCommand(['webhook-config', '--authentication-config', '--certificate-authority', 'ca.crt'], { cwd })
  t.strictSame([code, stderr], [0, ''])
  for (const lost of [/groups of the sign-in/, /after it was revoked/, /after the password was changed/, /after the account was disabled, locked or removed/]) t.match(stdout, lost)
  t.match(stdout, /--authentication-config=PATH-OF-THIS-FILE/)
  const config = load(stdout) as AuthenticationConfiguration
  t.strictSame(findErrors(config, AuthenticationConfiguration), [])
  t.match(config, {
    apiVersion: 'apiserver.config.k8s.io/v1',
    jwt: [{
      issuer: { url: ISSUER, certificateAuthority: authority.cert, audiences: ['production'] },
      claimMappings: { username: { claim: 'preferred_username', prefix: '' }, groups: { claim: 'groups', prefix: '' }, uid: { claim: 'sub' } }
    }]
  })
  const file = join(cwd, 'authentication.yaml')
  writeFileSync(file, stdout)
  const key = await makeKey('ES256', 'ec')
  const { provider } = await openJwt(t, { authenticationConfigurationFile: file })
  t.equal(provider.recognizes?.({ token: await signed(key, { iss: ISSUER }), jwt: true, passwordCredential: undefined }), true)

  // the keys of a file in place of those of a service
  const jwksFile = join(cwd, 'jwks.json')
  writeFileSync(jwksFile, JSON.stringify({ keys: [key.jwk] }))
  const { certificateAuthority: _, ...issuer } = config.jwt[0]!.issuer
  const { ask } = await openJwt(t, { issuers: [{ ...config.jwt[0]!, issuer, jwksFile }] })
  const claims = { iss: ISSUER, aud: 'production', sub: 'people:1001', preferred_username: 'alice', groups: ['developers'] }
  t.match(await ask(await signed(key, claims)), { user: { username: 'alice', uid: 'people:1001', groups: ['developers'] } })
  t.match(await ask(await signed(key, { ...claims, aud: 'staging' })), { denied: String }, 'not for another client')
})

test('the clients whose tokens are accepted', async t => {
  const config = join(home(t, TWO), 'authn-webhook.yaml')
  const run = async (...args: string[]): Promise<Outcome> => await runInProcess(webhookConfigCommand, ['webhook-config', '--authentication-config', '--config', config, ...args])
  const all = await run('-o', 'json')
  t.match(JSON.parse(all.stdout).jwt[0].issuer, { audiences: ['production', 'staging'], audienceMatchPolicy: 'MatchAny' })
  t.match(all.stderr, /^warning: the API server will accept tokens of all clients \(production, staging\), also those for other clusters; pass --client/)
  const one = await run('--client', 'staging', '-o', 'yaml')
  const { issuer } = (load(one.stdout) as AuthenticationConfiguration).jwt[0]!
  t.strictSame(issuer, { url: ISSUER, audiences: ['staging'] })
  t.equal(one.stderr, '')
  t.match(await run('--client', 'stagin'), { code: 2, stderr: /has no client "stagin"; did you mean "staging"\?/ })
})

test('what is refused', async t => {
  const cwd = home(t, { tls: { certFile: 'login.crt', keyFile: 'login.key' } })
  const run = async (...args: string[]): Promise<Outcome> => await runInProcess(webhookConfigCommand, ['webhook-config', ...args])
  const config = join(cwd, 'authn-webhook.yaml')
  t.match(await run('--authentication-config', '--config', config), { code: 0, stderr: /^warning: without --certificate-authority, the certificate of the sign-in service must be one that the API server's machine trusts/ })
  for (const [args, message] of [
    [['--authentication-config', '--config', join(cwd, 'without.yaml')], /has neither "login" nor "sessions": there are no session tokens to verify/],
    [['--authentication-config', '--config', config, '--certificate-authority', join(cwd, 'absent.crt')], /absent\.crt: does not exist/],
    [['--authentication-config', '--server', 'https://192.0.2.1'], /cannot be used with option '--server <url>'/],
    [['--authentication-config', '--for', 'kubeadm'], /cannot be used with/],
    [['--client', 'production', '--server', 'https://192.0.2.1', '--certificate-authority', join(cwd, 'ca.crt')], /--client needs --authentication-config/],
    [['--config', config, '--server', 'https://192.0.2.1', '--certificate-authority', join(cwd, 'ca.crt')], /--config needs --authentication-config/],
    [['--server', 'https://192.0.2.1'], /required option '--certificate-authority <file>' not specified/],
    [[], /required option '--server <url>' not specified/]
  ] as Array<[string[], RegExp]>) t.match(await run(...args), { code: 2, stdout: '', stderr: message }, args.join(' '))
})
