import { once } from 'node:events'
import { chmodSync, closeSync, existsSync, lstatSync, openSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test, type Test } from 'tap'
import type { UserEntry } from '../../../../src/users-file/users.js'
import { digestToken } from '../../../../src/authn/token-digest.js'
import { usersCommand } from '../../../../src/cli/commands/users.js'
import { parseExpiry } from '../../../../src/cli/commands/users/options.js'
import { changeUsersFile } from '../../../../src/cli/commands/users/users-file.js'
import { parseUsers } from '../../../../src/users-file/read.js'
import { openTerminal } from '../../../../src/cli/terminal.js'
import { runCommand, runOnTerminal, startCommand, type CommandOptions, type Outcome } from '../../../fixtures/command.js'
import { needs } from '../../../fixtures/packages.js'
import { runInProcess } from '../../../fixtures/command-in-process.js'

const LAPTOP_HASH = digestToken('laptop of alice')
const BCRYPT = '$2y$05$abcdefghijklmnopqrstuuFAGEq0vIZCNVvqmDKFhbdDXkRzr3ZNu'

const PEOPLE = `\
# Who may log in here. Ask alice.
apiVersion: authn-webhook/v1

users:
  # leads the developers
  - username: alice        # since 2019
    uid:  "1001"
    groups: [developers,  on-call]
    tokens:
      - { name: laptop,  hash: ${LAPTOP_HASH} }   # the grey one

  # ---- contractors ----

  # until the migration is done
  - username: bob
    groups: [developers]
    disabled: true     # on leave
    expiresAt: 2001-01-01T00:00:00Z
    passwordHash: '${BCRYPT}'
# that's all
`

/** A directory with a users file in it, and `users` run there. */
function directory (t: Test, text?: string) {
  const path = t.testdir(text === undefined ? {} : { 'users.yaml': text })
  const file = join(path, 'users.yaml')
  return {
    file,
    read: () => readFileSync(file, 'utf8'),
    user: (name: string) => parseUsers(readFileSync(file, 'utf8'), file).byName(name) as UserEntry,
    users: async (args: string[], options: CommandOptions = {}) => await runInProcess(usersCommand, ['users', ...args], { cwd: path, ...options }),
    executable: async (args: string[], options: CommandOptions = {}) => await runCommand(['users', ...args], { cwd: path, ...options }),
    onTerminal: async (args: string[], dialogue: Parameters<typeof runOnTerminal>[1]) => await runOnTerminal(['users', ...args], dialogue, { cwd: path })
  }
}

/** Lines that are in one text and not in the other. */
function changes (before: string, after: string): { gone: string[], new: string[] } {
  const [old, now] = [before.split('\n'), after.split('\n')]
  return { gone: old.filter((line) => !now.includes(line)), new: now.filter((line) => !old.includes(line)) }
}

function succeeds (t: Test, { code, stderr }: Outcome, note: RegExp): void {
  t.match(stderr, note)
  t.equal(code, 0)
}

test('the executable', async (t) => {
  const { executable } = directory(t)
  const env = { AUTHN_WEBHOOK_USERS_FILE: 'people.yaml' }
  const imported = await executable(['import', '--format', 'csv', '-'], { env, input: 'open-sesame,bob,1002,"developers,on-call"\n' })
  succeeds(t, imported, /^warning: stdin:1: the token has at most 51 bits of entropy.*\n1 user added to people\.yaml\n$/)
  const added = await executable(['add', 'alice', '--token', 'laptop'], { env })
  succeeds(t, added, /"alice" added to people\.yaml/)
  t.match(added.stdout, /^token laptop: awt_/)
  succeeds(t, await executable(['disable', 'bob', '--users-file', 'people.yaml']), /"bob" disabled/)
  const listed = await executable(['list'], { env })
  t.match(listed.stdout, /^USERNAME .*\nbob +disabled .*\nalice +active .*\n$/)
  const refused = await executable(['add', 'alice'], { env })
  t.match(refused, { code: 2, stdout: '', stderr: /^error: "alice" already exists in people\.yaml/ })
})

test('users add', async (t) => {
  t.test('makes the file, readable by its owner alone, and prints secrets once', async (t) => {
    const { file, read, user, users } = directory(t)
    const outcome = await users(['add', 'alice', '--uid', '1001', '--group', 'developers', '--group', 'on-call', '--extra', 'example.com/team=a=b', '--extra', 'example.com/team=c',
      '--expires', '2099-01-01T00:00:00Z', '--generate-password', '--token', 'laptop', '--token', 'phone'])
    succeeds(t, outcome, /"alice" added to users\.yaml\n.*shown only once/)
    const [, password, laptop, phone] = /^password: (\S+)\ntoken laptop: (\S+)\ntoken phone: (\S+)\n$/.exec(outcome.stdout)!
    const { info, expiresAt, passwordHash, tokens } = user('alice')
    t.same(info, { username: 'alice', uid: '1001', groups: ['developers', 'on-call'], extra: { 'example.com/team': ['a=b', 'c'] } })
    t.same(expiresAt, new Date('2099-01-01T00:00:00Z'))
    t.ok(await passwordHash!.verify(password!))
    t.same(tokens.map(({ name, digest }) => ({ name, digest })), [{ name: 'laptop', digest: digestToken(laptop!) }, { name: 'phone', digest: digestToken(phone!) }])
    for (const secret of [password, laptop, phone]) t.notMatch(read(), secret)
    t.equal(statSync(file).mode & 0o777, 0o600)
    const [, schema] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(read())!
    t.equal(JSON.parse(readFileSync(join(file, '..', schema!), 'utf8')).title, 'authn-webhook users file')
  })

  t.test('keeps every line of a file, and its mode; the result as JSON', async (t) => {
    const { file, read, user, users } = directory(t, PEOPLE)
    chmodSync(file, 0o640)
    const outcome = await users(['add', 'carol', '--password-file', '-', '--token', 'ci', '-o', 'json'], { input: 'correct horse\n' })
    succeeds(t, outcome, /"carol" added/)
    t.match(JSON.parse(outcome.stdout), { username: 'carol', password: undefined, tokens: [{ name: 'ci', token: /^awt_/ }] })
    t.same(changes(PEOPLE, read()).gone, [])
    t.ok(await user('carol').passwordHash!.verify('correct horse'))
    t.equal(statSync(file).mode & 0o777, 0o640)
  })

  t.test('says what a password without a uid is not good for', async (t) => {
    const { users } = directory(t)
    for (const [args, said] of [
      [['alice', '--password-file', '-'], true],
      [['bob', '--password-file', '-', '--uid', '1002'], false],
      [['ci', '--token', 'pipeline'], false]
    ] as const) {
      const { code, stderr } = await users(['add', ...args], { input: 'correct horse\n' })
      t.equal(code, 0)
      t.equal(stderr.includes('Without a uid'), said, stderr)
    }
  })

  t.test('asks for a password on a terminal', needs('script'), async (t) => {
    const { user, onTerminal } = directory(t)
    const { code, stdout } = await onTerminal(['add', 'alice', '--password'], [['New password: ', 'wonderland\r'], ['once more: ', 'wonderland\r']])
    t.equal(code, 0)
    t.notMatch(stdout, /wonderland/)
    t.ok(await user('alice').passwordHash!.verify('wonderland'))
  })

  t.test('warns of names that Kubernetes reserves', async (t) => {
    const { users } = directory(t)
    const { code, stderr } = await users(['add', 'admin', '--group', 'system:masters', '--token', 'x'])
    t.match(stderr, /"admin" added to users\.yaml\nwarning: the group "system:masters" is reserved for Kubernetes/)
    t.equal(code, 0)
  })

  t.test('warns of a password that is easy to guess', async (t) => {
    const { users } = directory(t)
    const short = await users(['add', 'alice', '--password-file', '-'], { input: '1234567' })
    succeeds(t, short, /^warning: the password has fewer than 8 characters and is easy to guess; --generate-password generates a strong one\n"alice" added/)
    t.notMatch((await users(['set-password', 'alice', '--password-file', '-'], { input: '12345678' })).stderr, /warning/)
  })

  t.test('takes the longest password that a token can carry', async (t) => {
    const { users } = directory(t)
    succeeds(t, await users(['add', 'carol', '--password-file', '-'], { input: 'x'.repeat(16_384 * 3 / 4 - 'carol:'.length) }), /^"carol" added/)
  })

  t.test('a group with a comma is one group, and that is said', async (t) => {
    const { user, users } = directory(t)
    const warning = /warning: "developers,on-call" is one group; for several, repeat --group\n/
    succeeds(t, await users(['add', 'alice', '--group', 'developers,on-call', '--group', 'admins']), warning)
    t.same(user('alice').info.groups, ['developers,on-call', 'admins'])
    succeeds(t, await users(['edit', 'alice', '--add-group', 'a,b']), /warning: "a,b" is one group; for several, repeat --add-group\n/)
    succeeds(t, await users(['import', '--format', 'htpasswd', '--group', 'developers,on-call', '-'], { input: `bob:${BCRYPT}\n` }), warning)
    t.match((await users(['list'])).stdout, / "developers,on-call",admins,"a,b" /)
  })

  t.test('a user without a credential is added, and that is said', async (t) => {
    const { users } = directory(t)
    const outcome = await users(['add', 'alice'])
    succeeds(t, outcome, /cannot log in yet/)
    t.equal(outcome.stdout, '')
  })

  t.test('refuses, and leaves the file as it is', async (t) => {
    const { file, read, users } = directory(t, PEOPLE)
    writeFileSync(join(file, '..', 'password.txt'), 'two\nlines')
    writeFileSync(join(file, '..', 'long.txt'), 'x'.repeat(16_384 * 3 / 4 - 'carol:'.length + 1))
    const cases: Array<[args: string[], reason: RegExp]> = [
      [['alice'], /"alice" already exists in users\.yaml; change credentials with "users set-password" and "users add-token", the rest with "users edit"/],
      [['al:ice', '--generate-password'], /a username with a colon can't have a password/],
      [['carol', '--password'], /no terminal to prompt on; use --password-file FILE/],
      [['carol', '--password-file', 'password.txt'], /control character/],
      [['carol', '--password', '--generate-password'], /cannot be used with/],
      [['carol', '--extra', 'team'], /--extra must be key=value/],
      [['carol', '--token', 'a', '--token', 'b', '--token', 'a'], /--token names "a" twice; remove one/],
      [['carol', '--password-file', 'long.txt'], /the password is too long: its bearer token, .*16384 bytes/],
      [['carol', '--expires', '2001-01-01T00:00:00Z'], /It is in the past/],
      [['carol', '--group', ' outer'], /nothing was written.*: users\.yaml: users\[2\]\.groups\[0\]: begins or ends with white space/]
    ]
    await Promise.all(cases.map(async ([args, reason]) => {
      const { code, stdout, stderr } = await users(['add', ...args])
      t.match(stderr, reason, args.join(' '))
      t.equal(stdout, '')
      t.equal(code, 2)
    }))
    t.equal(read(), PEOPLE)
  })
})

test('users set-password', async (t) => {
  const { read, user, users, onTerminal } = directory(t, PEOPLE)

  await t.test('replaces the hash alone', async (t) => {
    const before = read()
    const outcome = await users(['set-password', 'bob', '--generate-password'])
    succeeds(t, outcome, /"bob" has a new password in users\.yaml/)
    t.ok(await user('bob').passwordHash!.verify(outcome.stdout.trim()))
    const { gone, new: lines } = changes(before, read())
    t.match([gone, lines], [[/passwordHash: '\$2y/], [/^ {4}passwordHash: \$scrypt/]])
  })

  await t.test('asks on a terminal', needs('script'), async (t) => {
    const { code } = await onTerminal(['set-password', 'alice'], [['New password: ', 'wonderland\r'], ['once more: ', 'wonderland\r']])
    t.equal(code, 0)
    t.ok(await user('alice').passwordHash!.verify('wonderland'))
  })

  await t.test('from stdin, with a result for programs', async (t) => {
    const { code, stdout } = await users(['set-password', 'alice', '--password-file', '-', '-o', 'json'], { input: 'looking glass' })
    t.same(JSON.parse(stdout), { username: 'alice' })
    t.equal(code, 0)
    t.ok(await user('alice').passwordHash!.verify('looking glass'))
  })

  await t.test('of somebody who is not there', async (t) => {
    const { code, stderr } = await users(['set-password', 'mallory', '--generate-password'])
    t.match(stderr, /no user "mallory" in users\.yaml/)
    t.equal(code, 2)
  })
})

test('a token is rotated: users add-token, then remove-token', async (t) => {
  const { read, user, users } = directory(t, PEOPLE)

  await t.test('the new one is printed bare', async (t) => {
    const outcome = await users(['add-token', 'alice', 'laptop-2', '--expires', '2099-01-01T00:00:00Z', '--audience', 'https://kubernetes.default.svc'])
    succeeds(t, outcome, /"alice" has a token "laptop-2" in users\.yaml\n.*shown only once/)
    t.same(user('alice').tokens[1], { name: 'laptop-2', digest: digestToken(outcome.stdout.trim()), expiresAt: new Date('2099-01-01T00:00:00Z'), audiences: ['https://kubernetes.default.svc'] })
    t.same(changes(PEOPLE, read()).gone, [])
  })

  await t.test('a name is taken once', async (t) => {
    const { code, stderr } = await users(['add-token', 'alice', 'laptop'])
    t.match(stderr, /"alice" already has a token "laptop"; use another name, or run "users remove-token" first/)
    t.equal(code, 2)
  })

  await t.test('the old one goes', async (t) => {
    succeeds(t, await users(['remove-token', 'alice', 'laptop']), /token "laptop" of "alice" removed/)
    t.same(user('alice').tokens.map(({ name }) => name), ['laptop-2'])
    t.match(changes(PEOPLE, read()).gone, [/name: laptop, .*the grey one/])
  })

  await t.test('the last one goes', async (t) => {
    succeeds(t, await users(['remove-token', 'alice', 'laptop-2']), /removed/)
    t.same(user('alice').tokens, [])
  })

  await t.test('the first token of somebody', async (t) => {
    const { stdout } = await users(['add-token', 'bob', 'ci', '-o', 'yaml'])
    t.match(stdout, /^username: bob\nname: ci\ntoken: awt_[0-9a-f]{64}\n$/)
    t.equal(user('bob').tokens.length, 1)
  })

  await t.test('names that are not there', async (t) => {
    const [none, other] = await Promise.all([users(['remove-token', 'alice', 'ci']), users(['remove-token', 'bob', 'laptop'])])
    t.match(none.stderr, /no token "ci"; "alice" has no tokens/)
    t.match(other.stderr, /no token "laptop"; "bob" has these tokens: "ci"/)
    t.same([none.code, other.code], [2, 2])
  })

  await t.test('a name that stands twice is for an editor', async (t) => {
    const { users } = directory(t, PEOPLE.replace('# the grey one', `\n      - { name: laptop, hash: ${digestToken('x')} }`))
    const { code, stderr } = await users(['remove-token', 'alice', 'laptop'])
    t.match(stderr, /"alice" has 2 tokens named "laptop"/)
    t.equal(code, 2)
  })
})

test('users edit', async (t) => {
  t.test('changes what the options name, and nothing else', async (t) => {
    const cases: Array<[name: string, args: string[], who: string, gone: string[], lines: string[]]> = [
      ['groups of a flow list', ['alice', '--add-group', 'leads', '--add-group', 'leads', '--remove-group', 'on-call'], 'alice', ['    groups: [developers,  on-call]'], ['    groups: [developers, leads]']],
      ['a group that is there already', ['alice', '--add-group', 'on-call'], 'alice', [], []],
      ['the last group', ['bob', '--remove-group', 'developers'], 'bob', ['    groups: [developers]'], ['    groups: []']],
      ['groups of a block list', ['carol', '--add-group', 'x', '--remove-group', 'b'], 'carol', ['      - b'], ['      - x']],
      ['groups where there were none', ['dave', '--add-group', 'x', '--add-group', 'y'], 'dave', [], ['    groups: [x, "y"]']],
      ['a user in one line', ['erin', '--add-group', 'x', '--uid', '5', '--no-expires'], 'erin', ["  - {username: erin,  expiresAt: '2099-01-01T00:00:00Z'}"], ['  - {username: erin, groups: [x], uid: "5"}']],
      ['a new uid', ['alice', '--uid', '0042'], 'alice', ['    uid:  "1001"'], ['    uid:  "0042"']],
      ['no uid', ['alice', '--no-uid'], 'alice', ['    uid:  "1001"'], []],
      ['no uid where it comes first', ['carol', '--no-uid'], 'carol', ["  - uid: '3'", '    username: carol'], ['  - username: carol']],
      ['no uid where there is none', ['bob', '--no-uid'], 'bob', [], []],
      ['an expiry', ['bob', '--expires', '2099-01-01T00:00:00Z'], 'bob', ['    expiresAt: 2001-01-01T00:00:00Z'], ['    expiresAt: 2099-01-01T00:00:00Z']],
      ['no expiry', ['bob', '--no-expires'], 'bob', ['    expiresAt: 2001-01-01T00:00:00Z'], []]
    ]
    const people = PEOPLE.replace("# that's all\n", "  - uid: '3'\n    username: carol\n    groups:\n      - a  # first\n      - b\n  - username: dave\n  - {username: erin,  expiresAt: '2099-01-01T00:00:00Z'}\n# that's all\n")
    for (const [name, args, who, gone, lines] of cases) {
      const { read, users } = directory(t, people)
      const { code, stderr } = await users(['edit', ...args])
      t.equal(stderr, `"${who}" changed in users.yaml\n`, name)
      t.equal(code, 0)
      t.strictSame(changes(people, read()), { gone, new: lines }, name)
    }
  })

  t.test('takes days', async (t) => {
    const { users, user } = directory(t, PEOPLE)
    const from = Date.now() + 90 * 86_400_000
    succeeds(t, await users(['edit', 'alice', '--expires', '90d']), /"alice" changed/)
    const expiry = user('alice').expiresAt!.getTime()
    t.ok(expiry >= from - 1000 && expiry <= Date.now() + 90 * 86_400_000)
  })

  t.test('warns of a group that Kubernetes reserves', async (t) => {
    const { users } = directory(t, PEOPLE)
    succeeds(t, await users(['edit', 'alice', '--add-group', 'system:masters']), /"alice" changed in users\.yaml\nwarning: the group "system:masters" is reserved for Kubernetes/)
  })

  t.test('refuses, and leaves the file as it is', async (t) => {
    const { read, users } = directory(t, PEOPLE)
    for (const [args, reason] of [
      [['alice'], /^error: nothing to change: pass --add-group, /],
      [['mallory', '--uid', '1'], /^error: no user "mallory" in users\.yaml/],
      [['alice', '--remove-group', 'leads'], /^error: no group "leads"; "alice" has these groups: "developers", "on-call"/],
      [['alice', '--add-group', 'x', '--remove-group', 'x'], /^error: --add-group and --remove-group both name "x"/],
      [['alice', '--add-group', ' x'], /^error: nothing was written.*begins or ends with white space/],
      [['alice', '--expires', '-1h'], /It is in the past/],
      [['alice', '--expires', '90d', '--no-expires'], /^error: --expires can't be combined with --no-expires\n/],
      [['alice', '--no-expires', '--expires', '90d'], /^error: --expires can't be combined with --no-expires\n/],
      [['alice', '--uid', '1', '--no-uid'], /^error: --uid can't be combined with --no-uid\n/],
      [['alice', '--no-uid', '--uid', '1'], /^error: --uid can't be combined with --no-uid\n/]
    ] as const) {
      const { code, stderr } = await users(['edit', ...args])
      t.match(stderr, reason)
      t.equal(code, 2)
    }
    t.equal(read(), PEOPLE)
  })
})

test('aliases in a users file are resolved', async (t) => {
  const text = [
    'apiVersion: authn-webhook/v1',
    'users:',
    '  - username: alice',
    '    groups: &team [developers, &name bob]',
    '    tokens:',
    `      - { &key name: &laptop laptop, hash: ${LAPTOP_HASH} }`,
    '  - username: *name',
    '    groups: *team',
    '    tokens:',
    '      - name: *laptop',
    `        hash: ${digestToken('laptop of bob')}`,
    '  - username: carol',
    '    uid: *name',
    ''
  ].join('\n')
  for (const [args, gone, lines] of [
    [['disable', 'bob'], [], ['    disabled: true']],
    [['remove', 'bob'], ['  - username: *name', '    groups: *team', '      - name: *laptop', `        hash: ${digestToken('laptop of bob')}`], []],
    [['remove-token', 'bob', 'laptop'], ['      - name: *laptop', `        hash: ${digestToken('laptop of bob')}`], ['    tokens: []']],
    [['edit', 'bob', '--add-group', 'leads'], ['    groups: *team'], ['    groups: [developers, bob, leads]']],
    [['edit', 'bob', '--remove-group', 'bob'], ['    groups: *team'], ['    groups: [developers]']],
    [['edit', 'carol', '--uid', '3'], ['    uid: *name'], ['    uid: "3"']]
  ] as const) {
    const { read, users } = directory(t, text)
    const { code, stderr } = await users([...args])
    t.equal(code, 0, stderr)
    t.strictSame(changes(text, read()), { gone: [...gone], new: [...lines] }, args.join(' '))
  }
})

test('merge keys are refused with a sentence', async (t) => {
  const text = 'apiVersion: authn-webhook/v1\nusers:\n  - &base\n    username: alice\n  - <<: *base\n    username: bob\n'
  const { read, users } = directory(t, text)
  t.match(await users(['disable', 'bob']), { code: 2, stderr: 'users.yaml:5: users[1]["<<"]: merge keys are not supported; write the values out\n' })
  t.equal(read(), text)
})

test('what people type from other programs is answered with the right command', async (t) => {
  const { executable, users, read } = directory(t, PEOPLE)
  for (const [word, right] of [['delete', 'remove'], ['rm', 'remove'], ['update', 'edit'], ['passwd', 'set-password'], ['ls', 'list']] as const) {
    t.match(await users([word, 'alice', '--force']), { code: 2, stderr: `there is no "users ${word}"; use "users ${right}"\n` })
  }
  for (const args of [['add', 'carol', '--password', 'hunter2'], ['set-password', 'alice', '--password=hunter2']]) {
    const { code, stdout, stderr } = await executable(args)
    t.match(stderr, /--password takes no value, it prompts for the password; .*--password-file FILE/)
    t.notMatch(stdout + stderr, /hunter2/)
    t.equal(code, 2)
  }
  t.equal(read(), PEOPLE)
  const { stdout } = await executable(['--help'])
  t.notMatch(stdout, /^ +(?:delete|passwd)/m)
})

test('users disable and enable', async (t) => {
  const { read, user, users } = directory(t, PEOPLE)
  succeeds(t, await users(['disable', 'alice']), /"alice" disabled in users\.yaml/)
  t.equal(user('alice').disabled, true)
  t.same(changes(PEOPLE, read()), { gone: [], new: ['    disabled: true'] })
  succeeds(t, await users(['disable', 'alice']), /"alice" is already disabled/)
  succeeds(t, await users(['enable', 'alice']), /"alice" enabled in users\.yaml/)
  t.equal(user('alice').disabled, false)
  succeeds(t, await users(['enable', 'bob']), /"bob" enabled/)
  t.match(read(), '    disabled: false     # on leave\n')
})

test('users remove', async (t) => {
  const { read, users } = directory(t, PEOPLE)
  succeeds(t, await users(['remove', 'alice']), /"alice" removed from users\.yaml/)
  t.equal(read(), PEOPLE.replace(/ {2}# leads[^]*?\n\n/, ''))
  succeeds(t, await users(['remove', 'bob']), /"bob" removed/)
  t.equal(read(), '# Who may log in here. Ask alice.\napiVersion: authn-webhook/v1\n\nusers: []\n  # ---- contractors ----\n\n# that\'s all\n')
  t.equal((await users(['remove', 'bob'])).code, 2)
  const list = await users(['list'])
  t.match(list, { code: 0, stdout: '', stderr: 'no users in users.yaml\n' })
  succeeds(t, await users(['add', 'carol']), /"carol" added/)
  t.match(read(), /users:\n {2}- username: carol\n {2}# ---- contractors ----/)
})

test('users list', async (t) => {
  const { users } = directory(t, `${PEOPLE}
  - username: carol
    expiresAt: 2001-01-01T00:00:00Z
    passwordHash: $scrypt$ln=14,r=8,p=1$MtnaFonOI7tiHmGjxF/FKQ$7S6qSM0dU6ULnUOVUEnyEjT0n2TpT+Xw7GrOgCMS1CM
  - username: dave
    extra: { team: [a, b] }
    tokens: [{ name: ci, hash: '${digestToken('ci')}', expiresAt: 2099-01-01T00:00:00+01:00, audiences: [x] }]
`)
  const [text, wide, json] = await Promise.all([users(['list']), users(['list', '--wide']), users(['list', '-o', 'json'])])
  t.equal(text.stdout, `\
USERNAME  STATUS    GROUPS              PASSWORD  TOKENS  EXPIRES
alice     active    developers,on-call  -         1       -
bob       disabled  developers          bcrypt    0       2001-01-01T00:00:00Z
carol     expired   -                   scrypt    0       2001-01-01T00:00:00Z
dave      active    -                   -         1       -
`)
  t.match(wide.stdout, /TOKENS +EXPIRES +UID +EXTRA\nalice .* laptop +- +1001 +-\n/)
  t.match(wide.stdout, /dave +active .* ci \(until 2098-12-31T23:00:00Z\) .* team=a,team=b\n/)
  t.same(JSON.parse(json.stdout), [
    { username: 'alice', uid: '1001', groups: ['developers', 'on-call'], status: 'active', tokens: [{ name: 'laptop' }] },
    { username: 'bob', groups: ['developers'], status: 'disabled', expiresAt: '2001-01-01T00:00:00Z', password: 'bcrypt', tokens: [] },
    { username: 'carol', status: 'expired', expiresAt: '2001-01-01T00:00:00Z', password: 'scrypt', tokens: [] },
    { username: 'dave', extra: { team: ['a', 'b'] }, status: 'active', tokens: [{ name: 'ci', expiresAt: '2098-12-31T23:00:00Z', audiences: ['x'] }] }
  ])
  for (const { stdout, stderr, code } of [text, wide, json]) {
    t.notMatch(stdout, /sha256|\$2y|\$ln/)
    t.equal(stderr, '')
    t.equal(code, 0)
  }
})

test('users import', async (t) => {
  t.test('a static token file, from stdin', async (t) => {
    const { user, users } = directory(t, PEOPLE)
    const outcome = await users(['import', '--format', 'csv', '-', '--group', 'imported'], { input: 'open-sesame,carol,1003,"developers,on-call"\n' })
    succeeds(t, outcome, /^warning: stdin:1: the token has at most 51 bits of entropy.*\n1 user added to users\.yaml\n$/)
    t.equal(outcome.stdout, '')
    t.same(user('carol').info, { username: 'carol', uid: '1003', groups: ['developers', 'on-call', 'imported'] })
    t.equal(user('carol').tokens[0]!.digest, digestToken('open-sesame'))
  })

  t.test('an htpasswd file, into a new users file', async (t) => {
    const { file, user, users } = directory(t)
    writeFileSync(join(file, '..', 'htpasswd'), `alice:${BCRYPT}\nbob:${BCRYPT}\n`)
    const outcome = await users(['import', '--format', 'htpasswd', 'htpasswd', '-o', 'json'])
    succeeds(t, outcome, /2 users added/)
    t.same(JSON.parse(outcome.stdout), [{ username: 'alice' }, { username: 'bob' }])
    t.equal(user('bob').passwordHash!.cost, '$2b$05')
  })

  t.test('all or nothing', async (t) => {
    const { file, read, users } = directory(t, PEOPLE)
    writeFileSync(join(file, '..', 'htpasswd'), `alice:${BCRYPT}\ncarol:${BCRYPT}\ndave:{SHA}x\n`)
    const { code, stderr } = await users(['import', '--format', 'htpasswd', 'htpasswd'])
    t.match(stderr, /^htpasswd:1: "alice" is in the users file already.*\nhtpasswd:3: the password is stored as a SHA-1 hash/)
    t.equal(code, 2)
    t.equal(read(), PEOPLE)
  })

  t.test('needs to know the format', async (t) => {
    const { file, users } = directory(t)
    const { code, stderr } = await users(['import', '-'])
    t.match(stderr, /required option '--format <format>' not specified/)
    t.equal(code, 2)
    t.notOk(existsSync(file))
  })
})

test('no command touches a file that it can\'t change safely', async (t) => {
  t.test('one with errors: all of them are said', async (t) => {
    const wrong = PEOPLE.replace('"1001"', '1001').replace('groups: [developers]', 'group: [developers]')
    const { read, users } = directory(t, wrong)
    const { code, stdout, stderr } = await users(['add', 'carol', '--generate-password'])
    t.match(stderr, /users\.yaml:7: users\[0\]\.uid: .*quote it\nusers\.yaml:16: users\[1\]\.group: unknown key/)
    t.equal(stdout, '')
    t.equal(code, 2)
    t.equal(read(), wrong)
  })

  t.test('one that is missing', async (t) => {
    const { file, users } = directory(t)
    const { code, stderr } = await users(['disable', 'alice'])
    t.match(stderr, /users\.yaml: does not exist/)
    t.equal(code, 2)
    t.notOk(existsSync(file))
  })

  t.test('one whose entries lean on each other', async (t) => {
    const shared = 'apiVersion: authn-webhook/v1\nusers:\n  - username: alice\n    groups: &team [developers]\n  - username: bob\n    groups: *team\n'
    const { read, users } = directory(t, shared)
    const { code, stderr } = await users(['remove', 'alice'])
    t.match(stderr, /nothing was written/)
    t.equal(code, 2)
    t.equal(read(), shared)
  })

  t.test('one where a change would reach somebody else', async (t) => {
    const shared = `apiVersion: authn-webhook/v1\nusers:\n  - username: alice\n    passwordHash: &h '${BCRYPT}'\n  - username: bob\n    passwordHash: *h\n`
    const { read, users } = directory(t, shared)
    const { code, stderr } = await users(['set-password', 'alice', '--generate-password'])
    t.match(stderr, /users\.yaml is laid out in a way that this command can't change without touching other users/)
    t.equal(code, 2)
    t.equal(read(), shared)
  })
})

test('a file that comes from stdin and goes to stdout, as out of a Kubernetes Secret', async (t) => {
  const { users, file } = directory(t)

  const added = await users(['add', 'carol', '--token', 'laptop', '--users-file', '-'], { input: PEOPLE })
  succeeds(t, added, /^"carol" added to the users file\n/)
  t.strictSame(changes(PEOPLE, added.stdout).gone, [], 'every line stays')
  const token = /token laptop: (\S+)/.exec(added.stderr)![1]!
  t.equal(parseUsers(added.stdout, 'stdout').byToken(token)?.user.info.username, 'carol', 'what is made is printed beside it')
  t.notMatch(added.stdout, token)

  const disabled = await users(['disable', 'bob', '--users-file', '-'], { input: PEOPLE })
  t.equal(disabled.stdout, PEOPLE, 'what needs no change comes out as it went in')
  t.match((await users(['disable', 'zoe', '--users-file', '-'], { input: PEOPLE })).stderr, /^error: no user "zoe" in the users file;/)
  t.match((await users(['list', '--users-file', '-'], { input: PEOPLE })).stdout, /alice.*\n.*bob/s)

  const refused = await users(['add', 'alice', '--users-file', '-'], { input: PEOPLE })
  t.match(refused, { code: 2, stdout: '', stderr: /"alice" already exists in the users file/ })
  t.match(await users(['add', 'dave', '--users-file', '-', '--password-file', '-'], { input: PEOPLE }), { code: 2, stderr: /can't both be read from stdin/ })
  t.notOk(existsSync(file))
})

test('commands that run at once lose no change', async (t) => {
  t.test('on a file that none of them finds', async (t) => {
    const { file, executable, user } = directory(t)
    const names = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank']
    const outcomes = await Promise.all(names.map(async (name) => await executable(['add', name])))
    t.same(outcomes.map(({ code }) => code), names.map(() => 0))
    for (const name of names) t.ok(user(name), name)
    t.equal(statSync(file).mode & 0o777, 0o600)
    t.strictSame(readdirSync(join(file, '..')), ['users.yaml'], 'and leave neither a lock nor a draft')
  })

  t.test('one that waits for a password, another one and an editor', needs('script'), async (t) => {
    const { users, file, user, read, onTerminal } = directory(t, PEOPLE)
    // the screen shows the question once the file has been read
    const { code, stdout } = await onTerminal(['set-password', 'alice'], [['New password: ', async () => {
      await users(['enable', 'bob'])
      writeFileSync(file, read().replace("# that's all", '# that was all'))
      return 'wonderland\r'
    }], ['once more: ', 'wonderland\r']])
    t.equal(code, 0)
    t.equal(stdout.match(/once more/g)!.length, 1, 'the password is not asked for again')
    t.equal(user('bob').disabled, false)
    t.ok(await user('alice').passwordHash!.verify('wonderland'))
    t.match(read(), /# that was all/)
  })

  t.test('a change that another one has made impossible is refused', async (t) => {
    const { file, users, read } = directory(t, PEOPLE)
    let opened = 0
    await t.rejects(changeUsersFile(openTerminal(), file, async (editor) => {
      opened++
      if (editor.users.byName('alice') === undefined) throw new Error('gone')
      await users(['remove', 'alice'])
      editor.set('alice', 'disabled', true)
    }), { message: 'gone' })
    t.equal(opened, 2)
    t.notMatch(read(), /alice$/m)
  })
})

test('a secret that can not be printed is an error that says what to do', { skip: !existsSync('/dev/full') && 'there is no /dev/full' }, async (t) => {
  const { file, read, executable } = directory(t, PEOPLE)
  const full = openSync('/dev/full', 'w')
  t.teardown(() => { closeSync(full) })
  const stdio: CommandOptions['stdio'] = ['pipe', full, 'pipe']
  for (const [args, cure] of [
    [['add', 'carol', '--generate-password'], /the password and the tokens of "carol" are lost; run "users remove", then "users add" again\n$/],
    [['set-password', 'bob', '--generate-password', '-o', 'json'], /the new password of "bob" is lost; run "users set-password" again\n$/],
    [['add-token', 'bob', 'laptop'], /the token is lost; run "users remove-token", then "users add-token" again\n$/],
    [['disable', 'alice', '--users-file', '-'], /the changed users file is lost; run the command again\n$/]
  ] as const) {
    const { code, stderr } = await executable([...args], { stdio, input: PEOPLE })
    t.equal(code, 69, args.join(' '))
    t.match(stderr, /^error: cannot write to stdout: ENOSPC: /m)
    t.match(stderr, cure)
    t.notMatch(stderr, /save it now/)
    // nor any other word of a secret
    t.notMatch(stderr, /awt_/)
  }
  t.match(read(), /carol/)

  const child = startCommand(['users', 'add-token', 'bob', 'phone', '--users-file', file])
  child.stdin!.end()
  child.stdout!.destroy()
  const [code, words] = await Promise.all([once(child, 'close'), text(child.stderr!)])
  t.equal(code[0], 69, 'nor is a reader that went away enough')
  t.match(words, /cannot write to stdout: .*EPIPE.*the token is lost/)
})

test('a symbolic link stays one', async (t) => {
  const { file, users } = directory(t)
  symlinkSync('people.yaml', file)
  writeFileSync(join(file, '..', 'people.yaml'), PEOPLE)
  succeeds(t, await users(['remove', 'alice']), /removed/)
  t.ok(lstatSync(file).isSymbolicLink())
  t.notMatch(readFileSync(join(file, '..', 'people.yaml'), 'utf8'), /alice$/m)
})

test('--expires', (t) => {
  const now = Date.parse('2026-12-01T12:00:00.500Z')
  t.equal(parseExpiry('24h', now), '2026-12-02T12:00:00Z')
  t.equal(parseExpiry('90d', now), '2027-03-01T12:00:00Z')
  t.equal(parseExpiry('1.5d12h', now), '2026-12-03T12:00:00Z')
  t.equal(parseExpiry('500ms', now), '2026-12-01T12:00:01Z')
  t.equal(parseExpiry('2562047h', now), '2319-03-13T11:00:00Z', 'the longest that Go can tell')
  t.equal(parseExpiry('2026-12-01T12:00:01Z', now), '2026-12-01T12:00:01Z')
  t.equal(parseExpiry('2027-01-01T00:00:00+01:00', now), '2027-01-01T00:00:00+01:00')
  for (const text of ['2026-12-01T12:00:00Z', '-1h', '0', '0d', '0s', '1ns', '499ms']) t.throws(() => parseExpiry(text, now), /past/, text)
  for (const text of ['', '2027-01-01', 'd', '90dd', '1d2d', '2027-02-30T00:00:00Z', `${'9'.repeat(20)}h`, '9999999d']) t.throws(() => parseExpiry(text, now), /Expected a time/, text)
  t.end()
})
