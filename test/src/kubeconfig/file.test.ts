/** A person's entries in a kubeconfig that has others. */
import { chmodSync, existsSync, lstatSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { test, type Test } from 'tap'
import { addToKubeconfig } from '../../../src/kubeconfig/file.js'
import type { ClientEntries } from '../../../src/kubeconfig/merge.js'

const ENTRIES: ClientEntries = {
  name: 'production',
  issuer: 'https://login.example.com',
  client: 'production',
  cluster: { server: 'https://api.example.com:6443', certificateAuthority: 'PEM' }
}

/** As kubectl writes it, with what its owner added. */
const KUBECTL = `\
# the laptop of alice
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: Y2FuYXJ5
    server: https://192.0.2.1:6443   # the lab
  name: lab

contexts:
- context:
    cluster: lab
    user: "alice"
    namespace:   web
  name: lab
current-context: lab
kind: Config
preferences: {}
users:
  # from kind
- name: alice
  user:
    token: canary-token
# the end
`

async function add (t: Test, text: string | undefined, entries: Partial<ClientEntries> = {}): Promise<{ text: string, value: any, outcomes: object, currentContext: string | undefined }> {
  const file = join(t.testdir(text === undefined ? {} : { config: text }), 'config')
  const { outcomes, currentContext } = await addToKubeconfig(file, { ...ENTRIES, ...entries })
  const result = readFileSync(file, 'utf8')
  return { text: result, value: load(result), outcomes: Object.fromEntries(outcomes), currentContext }
}

const error = async (t: Test, text: string, entries: Partial<ClientEntries> = {}): Promise<string> => {
  const file = join(t.testdir({ config: text }), 'config')
  const message = await addToKubeconfig(file, { ...ENTRIES, ...entries }).then(() => 'no error', (error: Error) => error.message)
  t.equal(readFileSync(file, 'utf8'), text, 'nothing is written')
  return message
}

const named = (list: any[], name = 'production'): any => list.find(each => each.name === name)

test('entries of others, comments and order stay byte for byte', async t => {
  const { text, outcomes, currentContext } = await add(t, KUBECTL)
  t.strictSame(outcomes, { cluster: 'added', user: 'added', context: 'added' })
  t.equal(currentContext, 'lab')
  const added = [`\
- name: production
  cluster:
    server: https://api.example.com:6443
    certificate-authority-data: UEVN
`, `\
- name: production
  context:
    cluster: production
    user: production
`, `\
- name: production
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: authn-webhook
      args: [login, --issuer=https://login.example.com, --client=production]
      interactiveMode: IfAvailable
      provideClusterInfo: false
      installHint: authn-webhook is not installed or not in the PATH. Ask your administrator how to get it, or download another kubeconfig from https://login.example.com.
`]
  for (const lines of added) t.match(text, lines)
  t.equal(added.reduce((rest, lines) => rest.replace(lines, ''), text), KUBECTL, 'without them, the file is what it was')
  const again = await add(t, text)
  t.strictSame([again.text, again.outcomes], [text, { cluster: 'unchanged', user: 'unchanged', context: 'unchanged' }], 'a second time changes nothing')
})

const LAYOUTS: Array<[name: string, text: string | undefined]> = [
  ['no file', undefined],
  ['an empty file', ''],
  ['comments only', '# my clusters'],
  ['an empty document', '---\n'],
  ['as kubectl leaves a new file', 'apiVersion: v1\nclusters: null\ncontexts: null\ncurrent-context: ""\nkind: Config\npreferences: {}\nusers: null\n'],
  ['keys without values', 'kind: Config\nusers: # nobody yet\nclusters:\ncontexts:   \n\ncurrent-context:\n'],
  ['empty lists', 'apiVersion: v1\nkind: Config\nclusters: []\ncontexts: [] # none\nusers: []\n'],
  ['flow collections', 'apiVersion: v1\nkind: Config\nclusters: [{name: lab, cluster: {server: "https://192.0.2.1"}}]\nusers: [{name: lab, user: {}}]\n'],
  ['a flow map', '{apiVersion: v1, kind: Config, users: [{name: lab, user: {token: a}}]}\n'],
  ['line breaks of Windows', 'apiVersion: v1\r\nkind: Config\r\nusers:\r\n- name: lab\r\n  user: {}\r\n'],
  ['no line break at the end', 'apiVersion: v1\nkind: Config\nusers:\n- name: lab\n  user: {}'],
  ['indented lists', 'clusters:\n    - name: lab\n      cluster:\n          server: https://192.0.2.1\n'],
  ['JSON', '{}'],
  ['JSON with lists', JSON.stringify({ apiVersion: 'v1', kind: 'Config', clusters: null, users: [{ name: 'lab', user: {} }] })],
  ['anchors of other entries', 'users:\n- name: lab\n  user: &lab { token: a }\n- name: other\n  user: *lab\n']
]

for (const [name, text] of LAYOUTS) {
  test(`${name}: entries are added, and others stay`, async t => {
    const before = (/^\w|\{/.test(text ?? '') ? load(text!) : {}) as any
    const { value, currentContext, text: after } = await add(t, text)
    t.match(named(value.clusters), { cluster: { server: 'https://api.example.com:6443', 'certificate-authority-data': 'UEVN' } })
    t.match(named(value.users), { user: { exec: { command: 'authn-webhook', interactiveMode: 'IfAvailable' } } })
    t.strictSame(named(value.contexts), { name: 'production', context: { cluster: 'production', user: 'production' } })
    t.strictSame([value['current-context'], currentContext], ['production', 'production'], 'there was none')
    for (const list of ['clusters', 'users', 'contexts']) t.strictSame(value[list].slice(0, -1), before[list] ?? [], list)
    if (text?.includes('\r\n') === true) t.notMatch(after, /(?<!\r)\n/, 'the line breaks are those of the file')
    t.equal((await add(t, after)).text, after, 'a second time changes nothing')
  })
}

test('JSON stays JSON, with its indentation', async t => {
  for (const indentation of [undefined, 2, '\t']) {
    const before = { apiVersion: 'v1', users: [{ name: 'lab', user: { token: 'ä' } }], 'current-context': 'lab' }
    const { text } = await add(t, `${JSON.stringify(before, null, indentation)}\n`)
    const { users, ...rest } = JSON.parse(text)
    t.equal(text, `${JSON.stringify(JSON.parse(text), null, indentation)}\n`)
    t.strictSame(users[0], before.users[0])
    t.strictSame(Object.keys(rest), ['apiVersion', 'current-context', 'clusters', 'contexts'])
  }
})

test('only the user is added without a server', async t => {
  const { value, outcomes, currentContext } = await add(t, KUBECTL.replace('current-context: lab\n', ''), { cluster: undefined })
  t.strictSame([outcomes, currentContext], [{ user: 'added' }, undefined])
  t.strictSame([value.clusters.length, value.contexts.length, value.users.length, value['current-context']], [1, 1, 2, undefined])
})

test('our entries are updated: new CAs, a new address', async t => {
  const first = (await add(t, KUBECTL)).text.replace('    server: https://api', '    proxy-url: http://192.0.2.3\n    insecure-skip-tls-verify: true\n    server: https://api').replace(/(\n {4}user: production)/, '$1\n    namespace: web')
  const { value, text, outcomes } = await add(t, first, { issuerCertificateAuthority: 'LOGIN', cluster: { server: 'https://new.example.com', certificateAuthority: 'NEW' } })
  t.strictSame(outcomes, { cluster: 'updated', user: 'updated', context: 'unchanged' })
  t.strictSame(named(value.clusters).cluster, { 'proxy-url': 'http://192.0.2.3', server: 'https://new.example.com', 'certificate-authority-data': Buffer.from('NEW').toString('base64') }, 'what its owner added stays; what contradicts a CA goes')
  t.equal(named(value.users).user.exec.args.at(-1), `--certificate-authority-data=${Buffer.from('LOGIN').toString('base64')}`)
  t.equal(named(value.contexts).context.namespace, 'web')
  for (const list of ['clusters', 'users', 'contexts']) t.strictSame(value[list][0], (load(KUBECTL) as any)[list][0])
  t.match(text, /^# the laptop of alice\n.*^# the end\n$/ms)
})

test('a cluster that is already there, with what its owner added, is used as it is', async t => {
  const { outcomes, text } = await add(t, 'clusters:\n- name: production\n  cluster: { server: "https://api.example.com:6443", certificate-authority-data: UEVN, proxy-url: "http://192.0.2.3" } # via proxy\n')
  t.strictSame(outcomes, { cluster: 'unchanged', user: 'added', context: 'added' })
  t.match(text, '{ server: "https://api.example.com:6443", certificate-authority-data: UEVN, proxy-url: "http://192.0.2.3" } # via proxy\n')
})

const OTHERS: Array<[name: string, text: string, kind: string]> = [
  ['a user with a token', 'users:\n- name: production\n  user: { token: a }\n', 'user'],
  ['a user of another program', 'users:\n- name: production\n  user: { exec: { apiVersion: v1, command: kubelogin, args: [login] } }\n', 'user'],
  ['a user of another command', 'users:\n- name: production\n  user: { exec: { command: authn-webhook, args: [whoami, --issuer=https://login.example.com, --client=production] } }\n', 'user'],
  ['a user of another issuer', 'users:\n- name: production\n  user: { exec: { command: authn-webhook, args: [login, --issuer=https://other.example.com, --client=production] } }\n', 'user'],
  ['a user of another client', 'users:\n- name: production\n  user: { exec: { command: authn-webhook, args: [login, --issuer=https://login.example.com, --client=other] } }\n', 'user'],
  ['a cluster at another address', 'clusters:\n- name: production\n  cluster: { server: "https://other.example.com" }\n', 'cluster'],
  ['a cluster that others use too', 'clusters:\n- name: production\n  cluster: { server: "https://other.example.com" }\nusers:\n- name: production\n  user: { exec: { command: authn-webhook, args: [login, --issuer=https://login.example.com, --client=production] } }\ncontexts:\n- name: admin\n  context: { cluster: production, user: admin }\n', 'cluster'],
  ['a context of another user', 'contexts:\n- name: production\n  context: { cluster: production, user: admin }\n', 'context'],
  ['an empty context', 'contexts:\n- name: production\n', 'context']
]

for (const [name, text, kind] of OTHERS) {
  test(`${name} is not replaced`, async t => {
    t.match(await error(t, text), new RegExp(`config has another ${kind} "production": choose a name for the new entries with --name, or remove that one with "kubectl config delete-${kind} production"$`))
    const { outcomes } = await add(t, text, { name: 'production-2' })
    t.strictSame(outcomes, { cluster: 'added', user: 'added', context: 'added' }, 'with another name')
  })
}

const NOT_EDITABLE = /laid out in a way that this command can't change without touching other entries/
const HOSTILE: Array<[name: string, text: string, error: RegExp]> = [
  ['not YAML', 'users: [', /config:\d+: is not valid YAML/],
  ['a list', '- a\n', /must be/],
  ['a text', 'hello\n', /must be/],
  ['several documents', 'apiVersion: v1\n---\nkind: Config\n', /more than one YAML document/],
  ['duplicate keys', 'users: []\nkind: Config\nusers: []\n', /config:3: users.*duplicate/],
  ['duplicate names', 'users:\n- name: lab\n- name: lab\n', /config:3: users\[1\]\.name: is a duplicate/],
  ['users that are a map', 'users: { name: lab }\n', /users: must be a list/],
  ['a user that is null', 'users: [null]\n', /users\[0\]: has no value/],
  ['a name that is a number', 'users:\n- name: 1\n', /users\[0\]\.name: must be a string/],
  ['another kind', 'kind: Pod\n', /kind: must be "Config"/],
  ['a bomb of aliases', `a: &a [${'x,'.repeat(99)}x]\n${'bcdefg'.split('').map((key, index) => `${key}: &${key} [${`*${'abcdef'[index]},`.repeat(99)}*${'abcdef'[index]}]`).join('\n')}\n`, /aliases up to here expand/],
  ['an alias in itself', 'users: &a [*a]\n', /an alias inside/],
  ['a deep tree', '['.repeat(5000), /nesting|not valid YAML/],
  ['no UTF-8', '\ufffdkind', /must be/],
  ['a list that is an alias', 'spare: &u [{ name: lab }]\nusers: *u\n', NOT_EDITABLE],
  ['a list with an anchor that is used elsewhere', 'users: &u [{ name: lab }]\nspare: *u\n', NOT_EDITABLE],
  ['our user as an alias', 'spare: &u { name: production, user: { exec: { command: authn-webhook, args: [login, --issuer=https://login.example.com, --client=production] } } }\nusers:\n- *u\n', NOT_EDITABLE],
  ['an address with an anchor that another cluster uses', 'clusters:\n- name: production\n  cluster:\n    server: &s https://old.example.com\n- name: lab\n  cluster:\n    server: *s\nusers:\n- name: production\n  user: { exec: { command: authn-webhook, args: [login, --issuer=https://login.example.com, --client=production] } }\n', NOT_EDITABLE],
  ['our arguments as an alias', 'spare: &a [login, --issuer=https://login.example.com, --client=production]\nusers:\n- name: production\n  user: { exec: &e { command: authn-webhook, args: *a } }\nother: *e\n', NOT_EDITABLE]
]

for (const [name, text, expected] of HOSTILE) {
  test(`${name}: an error, and nothing is written`, async t => {
    t.match(await error(t, text, { issuerCertificateAuthority: 'CA' }), expected)
  })
}

test('large files', async t => {
  const users = Array.from({ length: 2000 }, (_, index) => `- name: user-${index}\n  user:\n    client-certificate-data: ${'QUFB'.repeat(200)}\n`).join('')
  const large = `apiVersion: v1\nkind: Config\nusers:\n${users}`
  t.ok(large.length > 1.5 * 1024 * 1024)
  t.ok((await add(t, large)).text.includes(users), 'all of it stays')
  t.match(await error(t, `# ${'x'.repeat(8 * 1024 * 1024)}\n`), /larger than|8 MiB/)
})

test('texts that Go reads as another type are quoted', async t => {
  for (const name of ['yes', 'on', 'y', '0777', '1:20', '1_000', 'null', '~', '<<', '*a', '#', ': ', 'ä b']) {
    const { text, value } = await add(t, KUBECTL, { name })
    t.equal(value.users[1].name, name)
    t.match(text.split('\n').filter(line => line.startsWith('- name: ')).at(-1), name === 'ä b' ? /^- name: ä b$/ : /^- name: ["']/, name)
  }
})

test('the file', async t => {
  t.test('a new one is readable for its owner only, and so is a new directory', async t => {
    const dir = t.testdir()
    await addToKubeconfig(join(dir, '.kube/config'), ENTRIES)
    t.equal(statSync(join(dir, '.kube/config')).mode & 0o777, 0o600)
    t.equal(statSync(join(dir, '.kube')).mode & 0o777, 0o700)
    t.strictSame(readdirSync(join(dir, '.kube')), ['config'], 'nothing else is left')
  })

  t.test('an old one keeps its mode', async t => {
    for (const mode of [0o600, 0o640, 0o644]) {
      const file = join(t.testdir({ config: KUBECTL }), 'config')
      chmodSync(file, mode)
      await addToKubeconfig(file, ENTRIES)
      t.equal(statSync(file).mode & 0o777, mode)
    }
  })

  t.test('a symbolic link stays one', async t => {
    const dir = t.testdir({ real: { config: KUBECTL } })
    const file = join(dir, 'config')
    symlinkSync('real/config', file)
    await addToKubeconfig(file, ENTRIES)
    t.ok(lstatSync(file).isSymbolicLink())
    t.match(readFileSync(join(dir, 'real/config'), 'utf8'), 'name: production')
    symlinkSync('real/new', join(dir, 'dangling'))
    await addToKubeconfig(join(dir, 'dangling'), ENTRIES)
    t.match(readFileSync(join(dir, 'real/new'), 'utf8'), 'name: production')
  })

  t.test('what is no file', async t => {
    const dir = t.testdir({ directory: {} })
    symlinkSync('loop', join(dir, 'loop'))
    await t.rejects(addToKubeconfig(join(dir, 'directory'), ENTRIES), /directory: is (not a regular file|a directory)/)
    await t.rejects(addToKubeconfig(join(dir, 'loop'), ENTRIES), /loop: .*symbolic link/)
  })

  t.test('unreadable, or in a directory that can not be written', async t => {
    await asNobody(async dir => {
      writeFileSync(join(dir, 'config'), KUBECTL)
      chmodSync(join(dir, 'config'), 0)
      await t.rejects(addToKubeconfig(join(dir, 'config'), ENTRIES), /config: can't be read by the user that this process runs as/)
      chmodSync(join(dir, 'config'), 0o600)
      chmodSync(dir, 0o500)
      await t.rejects(addToKubeconfig(join(dir, 'config'), ENTRIES), /config: can't be/)
      t.equal(readFileSync(join(dir, 'config'), 'utf8'), KUBECTL)
      chmodSync(dir, 0o700)
    })
  })
})

/** Root reads and writes everything. */
async function asNobody (work: (dir: string) => Promise<void>): Promise<void> {
  const root = process.getuid?.() === 0
  if (root) process.seteuid!(65534)
  const dir = mkdtempSync(join(tmpdir(), 'kubeconfig-'))
  try {
    await work(dir)
  } finally {
    if (root) process.seteuid!(0)
    rmSync(dir, { recursive: true })
  }
}

test('the lock of kubectl', async t => {
  t.test('while another program holds it, nothing is written', async t => {
    const dir = t.testdir({ config: KUBECTL, 'config.lock': '' })
    const file = join(dir, 'config')
    await t.rejects(addToKubeconfig(file, ENTRIES, { patience: 50 }), { code: 'AUTHN_FILE_LOCKED', message: /config\.lock exists: another program is changing .*config, or was killed while it did; if no program is, remove .*config\.lock$/ })
    t.equal(readFileSync(file, 'utf8'), KUBECTL)
    t.strictSame(readdirSync(dir).sort(), ['config', 'config.lock'], 'the lock of the other is not ours to remove')
  })

  t.test('when it is released, the file is read again', async t => {
    const dir = t.testdir({ config: KUBECTL, 'config.lock': '' })
    const file = join(dir, 'config')
    const adding = addToKubeconfig(file, ENTRIES, { patience: 60_000 })
    while (!readdirSync(dir).some(name => name.startsWith('.config.'))) await new Promise(resolve => { setImmediate(resolve) })
    writeFileSync(file, KUBECTL.replace('canary-token', 'new-token'))
    rmSync(join(dir, 'config.lock'))
    await adding
    const text = readFileSync(file, 'utf8')
    t.match(text, 'new-token', 'the change of the other is not lost')
    t.match(text, 'name: production')
    t.strictSame(readdirSync(dir), ['config'])
  })

  t.test('it is beside a link, and beside its target', async t => {
    for (const lock of ['config.lock', 'real/config.lock']) {
      const dir = t.testdir({ real: { config: KUBECTL } })
      symlinkSync('real/config', join(dir, 'config'))
      writeFileSync(join(dir, lock), '')
      await t.rejects(addToKubeconfig(join(dir, 'config'), ENTRIES, { patience: 50 }), { code: 'AUTHN_FILE_LOCKED' })
      t.strictSame(['config.lock', 'real/config.lock'].filter(name => existsSync(join(dir, name))), [lock])
    }
  })

  t.test('of many at once, none is lost', async t => {
    const file = join(t.testdir({ config: KUBECTL }), 'config')
    const names = Array.from({ length: 10 }, (_, index) => `cluster-${index}`)
    await Promise.all(names.map(async name => await addToKubeconfig(file, { ...ENTRIES, name })))
    const { users, clusters, contexts } = load(readFileSync(file, 'utf8')) as any
    for (const list of [users, clusters, contexts]) t.strictSame(list.slice(1).map(({ name }: any) => name).sort(), names)
  })
})
