import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { load } from 'js-yaml'
import { webhookConfigCommand } from '../../../../src/cli/commands/webhook-config.js'
import { ExitCode, exitCodeOf } from '../../../../src/cli/command-error.js'
import { readWebhookKubeconfig } from '../../../../src/cli/kubeconfig.js'
import { createCA, issueClient, issueServing } from '../../../../src/certificates/issue.js'
import { certify, createParty, withTime } from '../../../fixtures/certificates.js'
import { runCommand } from '../../../fixtures/command.js'
import { openScreen } from '../../../fixtures/screen.js'

const DAY = 24 * 60 * 60 * 1000

const authority = await createCA({ commonName: 'test CA', days: 2 })
const client = await issueClient(authority, { commonName: 'kube-apiserver', days: 1 })
const serving = await issueServing(authority, { names: ['localhost'], days: 1 })
const expired = await createCA({ commonName: 'old CA', days: 1, now: () => Date.now() - 3 * DAY })
const [root, old] = [await createParty('root'), await createParty('old root')]
const FILES = {
  'ca.crt': authority.cert,
  'old-ca.crt': expired.cert,
  'two-keys.crt': expired.cert + authority.cert,
  'renewed.crt': await certify(root, { to: -1 }) + await certify(root),
  'cross-signed.crt': await certify(root, { to: -1 }) + await certify(root, { by: old }),
  'client.crt': client.cert,
  'client.key': client.key,
  'undated-ca.crt': withTime(authority.cert, 'notAfter'),
  'undated-client.crt': withTime(client.cert, 'notAfter', '\u001b[31m99999999'),
  'serving.crt': serving.cert,
  'serving.key': serving.key
}
const SERVER = ['--server', 'https://192.0.2.1:8443']
const CA = ['--certificate-authority', 'ca.crt']

test('webhook-config', async (t) => {
  const cwd = t.testdir(FILES)
  const webhookConfig = async (...args: string[]) => await runCommand(['webhook-config', ...args], { cwd })
  /** In this process: a table of cases would start too many. */
  const inPlace = async (...args: string[]) => {
    const { terminal, stdout, stderr } = openScreen()
    const absolute = args.map((arg) => arg in FILES || arg === 'none.crt' ? join(cwd, arg) : arg)
    await webhookConfigCommand(terminal).parseAsync(absolute, { from: 'user' })
    return { stdout: stdout(), stderr: stderr() }
  }

  t.test('prints a kubeconfig with absolute paths, and what to do with it', async (t) => {
    const { code, stdout, stderr } = await webhookConfig(...SERVER, ...CA)
    t.equal(code, 0)
    t.equal(stderr, '')
    t.match(stdout, /^# [^]*--authentication-token-webhook-config-file=[^]*--authentication-token-webhook-version=v1\n/)
    t.strictSame(load(stdout), {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'authn-webhook', cluster: { server: 'https://192.0.2.1:8443/authenticate', 'certificate-authority': join(cwd, 'ca.crt') } }],
      users: [{ name: 'kube-apiserver', user: {} }],
      contexts: [{ name: 'authn-webhook', context: { cluster: 'authn-webhook', user: 'kube-apiserver' } }],
      'current-context': 'authn-webhook'
    })
  })

  t.test('embeds everything on demand, so that it works anywhere', async (t) => {
    const { stdout } = await webhookConfig('--server', 'https://[2001:db8::1]/review', ...CA, '--client-certificate', 'client.crt', '--client-key', 'client.key', '--tls-server-name', 'Authn.example.com', '--embed-certs')
    t.notMatch(stdout, cwd)
    const file = join(t.testdir({}), 'webhook.kubeconfig')
    await writeFile(file, stdout)
    t.match(await readWebhookKubeconfig(file), { server: new URL('https://[2001:db8::1]/review'), ca: authority.cert, cert: client.cert, key: client.key, serverName: 'authn.example.com' })
  })

  t.test('prints the path that an API server asks for', async (t) => {
    const cases: Array<[server: string, printed: string]> = [
      ['https://192.0.2.1', 'https://192.0.2.1/authenticate'],
      ['https://192.0.2.1/', 'https://192.0.2.1/authenticate'],
      ['https://192.0.2.1//', 'https://192.0.2.1/authenticate'],
      ['https://192.0.2.1/authenticate/', 'https://192.0.2.1/authenticate'],
      ['https://192.0.2.1//authenticate', 'https://192.0.2.1/authenticate'],
      ['https://192.0.2.1/x/../authenticate', 'https://192.0.2.1/authenticate'],
      ['https://192.0.2.1/a//b/./c/', 'https://192.0.2.1/a/b/c'],
      ['HTTPS://192.0.2.1/Review', 'https://192.0.2.1/Review']
    ]
    for (const [server, printed] of cases) {
      const { stdout } = await inPlace('--server', server, ...CA)
      t.match(load(stdout), { clusters: [{ cluster: { server: printed } }] }, server)
    }
  })

  t.test('as JSON, which is YAML too', async (t) => {
    const { stdout } = await webhookConfig(...SERVER, ...CA, '-o', 'json')
    t.match(JSON.parse(stdout), { kind: 'Config', 'current-context': 'authn-webhook' })
  })

  t.test('for a distribution: one file to carry, and what to do with it', async (t) => {
    const cases: Array<[name: string, head: RegExp, kind: string]> = [
      ['kubeadm', /\/etc\/kubernetes\/pki\/authn-webhook\/webhook\.yaml/, 'Config'],
      ['kind', /extraMounts/, 'Config'],
      ['k3s', /systemctl restart k3s/, 'Config'],
      ['rke2', /systemctl restart rke2-server/, 'Config'],
      ['talos', /talosctl patch/, 'KubeAuthenticationWebhookConfig']
    ]
    for (const [name, head, kind] of cases) {
      const { stdout, stderr } = await inPlace('--for', name, ...SERVER, ...CA)
      t.equal(stderr, '', 'nothing but the file')
      t.match(stdout.split(/^(?!#)/m)[0], head)
      t.match(load(stdout), { kind })
      t.notMatch(stdout, cwd)
    }
    const { stdout } = await inPlace('--for', 'kubeadm', ...SERVER, ...CA)
    const file = join(t.testdir({}), 'webhook.yaml')
    await writeFile(file, stdout)
    t.match(await readWebhookKubeconfig(file), { ca: authority.cert }, 'the certificate is in it without --embed-certs')
    const patch = await inPlace('--for', 'talos-1.14', ...SERVER, ...CA, '-o', 'json')
    t.match(JSON.parse(patch.stdout), { machine: { files: [{ op: 'create' }] } }, 'without comments, as JSON')
  })

  t.test('warns of what an API server will stumble over', async (t) => {
    const cases: Array<[args: string[], warning: RegExp]> = [
      [['--server', 'https://authn-webhook.kube-system.svc', ...CA], /can't resolve authn-webhook\.kube-system\.svc.*cluster IP in --server and --tls-server-name authn-webhook\.kube-system\.svc\n/],
      [['--server', 'https://authn-webhook.kube-system.svc.cluster.local', '--tls-server-name', 'authn-webhook.kube-system.svc', ...CA], /cluster IP in --server\n/],
      [['--server', 'https://localhost:8443', ...CA], /localhost is the API server's own machine/],
      [['--server', 'https://127.0.0.2:8443', ...CA], /127\.0\.0\.2 is the API server's own machine/],
      [['--server', 'https://[::1]:8443', ...CA], /::1 is the API server's own machine/],
      [[...SERVER, '--certificate-authority', 'old-ca.crt'], /old-ca\.crt expired on 20/],
      [[...SERVER, '--certificate-authority', 'two-keys.crt'], /two-keys\.crt expired on 20/],
      [[...SERVER, '--certificate-authority', 'serving.crt'], /serving\.crt contains no CA/]
    ]
    for (const [args, warning] of cases) {
      const { stdout, stderr } = await inPlace(...args)
      t.match(stdout, /^kind: Config$/m)
      t.match(stderr, warning)
      t.match(stderr, /^warning: [^\n]*\n$/, 'one warning')
    }
  })

  t.test('says nothing of an expired root beside a renewed or cross-signed one', async (t) => {
    for (const bundle of ['renewed.crt', 'cross-signed.crt']) t.equal((await inPlace(...SERVER, '--certificate-authority', bundle)).stderr, '', bundle)
  })

  t.test('refuses what can not work', async (t) => {
    const pair = (cert: string, key: string) => ['--client-certificate', cert, '--client-key', key]
    const cases: Array<[args: string[], message: RegExp]> = [
      [['--server', 'http://192.0.2.1', ...CA], /^--server is not an https:\/\/ URL/],
      [['--server', '192.0.2.1:8443', ...CA], /^--server is not an https:\/\/ URL/],
      [['--server', 'https:///192.0.2.1', ...CA], /^--server is not an https:\/\/ URL/],
      [['--server', 'https://192.0.2.1\\x', ...CA], /^--server is not an https:\/\/ URL/],
      [['--server', 'https://192.0.2.1/%zz', ...CA], /^--server is not an https:\/\/ URL/],
      [['--server', 'https://alice:canary@192.0.2.1', ...CA], /^--server contains a username or password/],
      [['--server', 'https://192.0.2.1/?timeout=1s', ...CA], /^--server contains "\?" or "#"/],
      [[...SERVER, ...CA, '--tls-server-name', 'a b'], /^"a b" can't be a name in a certificate/],
      [[...SERVER, '--certificate-authority', 'none.crt'], /none\.crt: does not exist/],
      [[...SERVER, '--certificate-authority', 'client.key'], /client\.key: holds a private key; use a file with certificates only/],
      [[...SERVER, '--certificate-authority', 'undated-ca.crt'], /undated-ca\.crt: holds a certificate whose notAfter is not a date; replace the certificate$/],
      [[...SERVER, ...CA, ...pair('undated-client.crt', 'client.key')], /undated-client\.crt: holds a certificate whose notAfter is not a date; replace the certificate$/],
      [[...SERVER, ...CA, '--client-key', 'client.key'], /^--client-certificate and --client-key must be used together/],
      [[...SERVER, ...CA, ...pair('client.crt', 'serving.key')], /serving\.key: does not belong to the certificate in .*client\.crt/],
      [[...SERVER, ...CA, ...pair('serving.crt', 'serving.key')], /serving\.crt is not a client certificate/]
    ]
    for (const [args, message] of cases) {
      const error = await inPlace(...args).catch((error: Error) => error)
      t.match(error, { message })
      t.equal(exitCodeOf(error), ExitCode.usage)
      t.notMatch(String(error), /canary/)
    }
  })
})
