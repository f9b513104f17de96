import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { withTime } from '../../../fixtures/certificates.js'
import { runCommand } from '../../../fixtures/command.js'

const NAMES = ['localhost', '127.0.0.1', '::1', 'authn-webhook.kube-system.svc']

test('certs, from nothing to a renewal', async (t) => {
  const directory = join(t.testdir({}), 'tls')
  const read = async (file: string) => await readFile(join(directory, file), 'utf8')
  const certs = async (...args: string[]) => await runCommand(['certs', '--out', directory, ...args])

  const made = await certs('--san', '10.96.0.50', '--san', 'Authn.example.com', '--client', 'kube-apiserver', '-o', 'json')
  t.equal(made.code, 0)
  t.match(made.stderr, /^Move .*ca\.key off the machine that runs the service: anyone who has it can issue certificates/)
  const { ca, serving, clients } = JSON.parse(made.stdout)
  t.match(ca, { certFile: join(directory, 'ca.crt'), keyFile: join(directory, 'ca/ca.key'), state: 'created', expiresAt: /Z$/ })
  t.match(serving, { certFile: join(directory, 'tls.crt'), keyFile: join(directory, 'tls.key'), state: 'created', names: [...NAMES, '10.96.0.50', 'authn.example.com'] })
  t.match(clients, [{ name: 'kube-apiserver', certFile: join(directory, 'kube-apiserver.crt'), state: 'created' }])
  t.strictSame((await readdir(directory)).sort(), ['ca', 'ca.crt', 'kube-apiserver.crt', 'kube-apiserver.key', 'tls.crt', 'tls.key'], 'and nothing else')

  const [authority, leaf, client] = await Promise.all(['ca.crt', 'tls.crt', 'kube-apiserver.crt'].map(read))
  const again = await certs('--client', 'kube-apiserver', '--client', 'alice')
  t.equal(again.code, 0)
  t.equal(again.stderr, '')
  t.match(again.stdout, /^CA +kept: .*\nserving +kept: .*\n +for localhost, .*\nclient kube-apiserver +kept: .*\nclient alice +created: .*alice\.crt, until \d{4}-\d\d-\d\d\n$/)
  t.strictSame(await Promise.all(['ca.crt', 'tls.crt', 'kube-apiserver.crt'].map(read)), [authority, leaf, client], 'nothing is overwritten')

  const lacking = await certs('--san', 'new.example.com', '--san', 'localhost')
  t.equal(lacking.code, 2)
  t.match(lacking.stderr, /^error: .*tls\.crt exists without new\.example\.com; add --renew to replace it/)

  const renewed = await certs('--san', 'new.example.com', '--renew', '--client', 'kube-apiserver', '-o', 'json')
  t.match(JSON.parse(renewed.stdout), {
    ca: { state: 'kept' },
    serving: { state: 'renewed', names: [...NAMES, '10.96.0.50', 'authn.example.com', 'new.example.com'] },
    clients: [{ name: 'kube-apiserver', state: 'renewed' }]
  })
  t.equal(await read('ca.crt'), authority, 'the authority stays')
  t.not(await read('tls.crt'), leaf)
  t.not(await read('kube-apiserver.crt'), client)

  await rm(join(directory, 'tls.key'))
  const invalid = await certs()
  t.equal(invalid.code, 2)
  t.match(invalid.stderr, /^error: .*tls\.crt has no key: .*tls\.key is missing; add --renew to replace it\n/)
  t.equal((await certs('--renew')).code, 0)

  await writeFile(join(directory, 'ca.crt'), withTime(authority!, 'notAfter'))
  const undated = await certs('--renew')
  t.equal(undated.code, 2)
  t.match(undated.stderr, /^.*ca\.crt: holds a certificate whose notAfter is not a date; replace the certificate\n/)
})

test('nothing is written for a wrong command line', async (t) => {
  const cases: Array<[args: string[], message: RegExp]> = [
    [['--san', 'https://authn.example.com'], /^error: "https:\/\/authn\.example\.com" can't be a name in a certificate: use only the host/],
    [['--client', '../alice'], /^error: "\.\.\/alice" can't name a client certificate's file/]
  ]
  const directory = t.testdir({})
  cases.push([['--renew'], new RegExp(`^error: there is nothing to renew in ${directory}: it has no ca\\.crt; correct --out, or omit --renew to create a CA`)])
  for (const [args, message] of cases) {
    const { code, stderr } = await runCommand(['certs', '--out', directory, ...args])
    t.equal(code, 2)
    t.match(stderr, message)
  }
  t.strictSame(await readdir(directory), [])
})
