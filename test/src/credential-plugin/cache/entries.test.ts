/** The files of the cache: whose they are, and what is not read. */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { keyOf, type Account } from '../../../../src/credential-plugin/account.js'
import { readEntries, readEntry, removeEverything, writeEntry } from '../../../../src/credential-plugin/cache/entries.js'
import { assertPrivate } from '../../../../src/credential-plugin/cache/directory.js'
import { forgetFailure, readFailure, REMEMBERED, rememberFailure, type Failure } from '../../../../src/credential-plugin/cache/failures.js'

const ALICE: Account = { issuer: 'https://login.example.com', client: 'production', ca: 'CA 1', username: 'alice' }
const TOKEN = { token: 'canary-token', expiresAt: 2_000_000_000 }

interface Cache {
  readonly directory: string
  /** Of alice's token. */
  readonly file: string
}

async function fill (t: Test): Promise<Cache> {
  const directory = join(t.testdir(), 'cache')
  await writeEntry(directory, ALICE, TOKEN, undefined)
  return { directory, file: join(directory, `${keyOf(ALICE)}.json`) }
}

void test('is private, and gives back what was written', async t => {
  const { directory, file } = await fill(t)
  t.strictSame([directory, file].map(path => (statSync(path).mode & 0o777).toString(8)), ['700', '600'])
  t.match(readEntry(directory, ALICE), TOKEN)
  t.equal(readEntries(directory).size, 1)
})

void test('another issuer, client, CA or user has another token', async t => {
  const { directory } = await fill(t)
  for (const difference of [{ issuer: 'https://login.example.com/' }, { client: 'staging' }, { ca: 'CA 2' }, { ca: undefined }, { username: 'bob' }, { username: undefined }]) {
    t.equal(readEntry(directory, { ...ALICE, ...difference }), undefined, JSON.stringify(difference))
  }
  t.match(readEntry(directory, { ...ALICE, ca: 'CA 1\n' }), TOKEN, 'the same CA with a newline')
})

void test('a file that was renamed is for nobody else', async t => {
  const { directory, file } = await fill(t)
  for (const difference of [{ issuer: 'https://evil.example.com' }, { client: 'staging' }]) {
    const other = { ...ALICE, ...difference }
    writeFileSync(join(directory, `${keyOf(other)}.json`), readFileSync(file), { mode: 0o600 })
    t.equal(readEntry(directory, other), undefined)
  }
})

type Spoilt = readonly [name: string, spoil: (cache: Cache) => void, error: RegExp]

/** What others could have written or read. */
const FILES: readonly Spoilt[] = [
  ['a file that a group can read', ({ file }) => { chmodSync(file, 0o640) }, /\.json is accessible to other users \(mode 640\)/],
  ['a file that others can write', ({ file }) => { chmodSync(file, 0o602) }, /\.json is accessible to other users \(mode 602\)/],
  ['a symbolic link', ({ file }) => { renameSync(file, `${file}.real`); symlinkSync(`${file}.real`, file) }, /\.json is a symbolic link: remove it/],
  ['a symbolic link to nothing', ({ file }) => { renameSync(file, `${file}.real`); symlinkSync('/nonexistent', file) }, /\.json is a symbolic link: remove it/],
  ['a directory in place of the file', ({ file }) => { renameSync(file, `${file}.real`); mkdirSync(file, { mode: 0o700 }) }, /\.json is not a regular file/]
]

const DIRECTORIES: readonly Spoilt[] = [
  ['a directory that others can list', ({ directory }) => { chmodSync(directory, 0o704) }, /cache is accessible to other users \(mode 704\)/],
  ['a symbolic link to the directory', ({ directory }) => { renameSync(directory, `${directory}.real`); symlinkSync(`${directory}.real`, directory) }, /cache is not a directory/]
]

void test('refuses what others could have changed or read', async t => {
  for (const [name, spoil, message] of [...FILES, ...DIRECTORIES]) {
    const cache = await fill(t)
    spoil(cache)
    const error = { code: 'AUTHN_SIGN_IN', failure: 'invalid', message }
    t.throws(() => readEntry(cache.directory, ALICE), error, name)
    t.throws(() => readEntries(cache.directory), error, name)
  }
})

void test('a refused file is no reason to keep the others', async t => {
  for (const [name, spoil] of FILES) {
    const cache = await fill(t)
    const bob = { ...ALICE, username: 'bob' }
    await writeEntry(cache.directory, bob, TOKEN, undefined)
    spoil(cache)
    t.strictSame([...readEntries(cache.directory, true).keys()], [keyOf(bob)], name)
    removeEverything(cache.directory)
    t.equal(readEntries(cache.directory, true).size, 0, name)
  }
})

void test('nothing is removed from a directory that is refused', async t => {
  for (const [name, spoil, message] of DIRECTORIES) {
    const cache = await fill(t)
    spoil(cache)
    t.throws(() => { removeEverything(cache.directory) }, { code: 'AUTHN_SIGN_IN', failure: 'invalid', message }, name)
    t.ok(existsSync(cache.file), name)
  }
})

void test('refuses a file of another user, whatever its mode', { skip: process.getuid === undefined }, async t => {
  const stats = statSync((await fill(t)).file)
  t.doesNotThrow(() => { assertPrivate('a file', stats) })
  t.throws(() => { assertPrivate('a file', Object.assign(stats, { uid: stats.uid + 1 })) }, { failure: 'invalid', message: 'a file belongs to another user: remove it; with sudo, use "sudo -H" or set XDG_CACHE_HOME' })
})

void test('a damaged file is as none', async t => {
  const { directory, file } = await fill(t)
  const entry = JSON.parse(readFileSync(file, 'utf8')) as object
  for (const text of ['', '{', 'null', '[]', ...['token', 'expiresAt', 'issuer', 'client'].map(field => JSON.stringify({ ...entry, [field]: undefined })), ...[{ expiresAt: 1e300 }, { expiresAt: -1 }, { expiresAt: '2000000000' }, { token: '' }, { token: 'a\nb' }, { token: '\u001b[2J' }].map(bad => JSON.stringify({ ...entry, ...bad })), JSON.stringify(entry).replace('2000000000', '1e999'), JSON.stringify({ ...entry, padding: 'x'.repeat(1024 * 1024) })]) {
    writeFileSync(file, text)
    t.equal(readEntry(directory, ALICE), undefined, text.slice(0, 200))
  }
})

void test('a failure is remembered for half a minute, for its account', async t => {
  const { directory } = await fill(t)
  const at = 1_000_000_000_000
  const failure: Failure = { at, failure: 'not-signed-in', message: 'the sign-in was dismissed' }
  await rememberFailure(directory, keyOf(ALICE), failure)
  for (const [name, now, remembered] of [
    ['at once', at, true],
    ['just before the end', at + REMEMBERED - 1, true],
    ['at the end', at + REMEMBERED, false],
    ['with a clock that was set back a little', at - 1000, true],
    ['with a clock that was set back an hour', at - 3_600_000, false]
  ] as const) t.strictSame(readFailure(directory, keyOf(ALICE), now), remembered ? failure : undefined, name)
  t.equal(REMEMBERED, 30_000)
  t.equal(readFailure(directory, keyOf({ ...ALICE, username: 'bob' }), at), undefined)
  await rememberFailure(directory, keyOf(ALICE), { ...failure, failure: 'of another version' as 'invalid' })
  t.equal(readFailure(directory, keyOf(ALICE), at), undefined)
  await rememberFailure(directory, keyOf(ALICE), failure)
  forgetFailure(directory, keyOf(ALICE))
  t.equal(readFailure(directory, keyOf(ALICE), at), undefined)
  t.match(readEntry(directory, ALICE), TOKEN, 'the token stays')
})
