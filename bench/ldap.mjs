// How many reviews a second the ldap provider answers, against a bare loop of
// ldapts over as many connections, on an OpenLDAP that this starts, over LDAPS as
// in earnest. Once with hashed passwords, where the directory is the limit, and once
// with passwords that cost it nothing to check, where it is the processor that both
// share. And with a warm cache, against people of a users file with theirs. Needs
// the Debian package slapd.
// After `npm run build`: node bench/ldap.mjs [SECONDS]
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'ldapts'
import { openChain } from '../dist/src/app.js'
import { Deadline } from '../dist/src/authn/deadline.js'
import { hashPassword } from '../dist/src/authn/password-hash.js'
import { review } from '../dist/src/authn/review.js'
import { loadConfig } from '../dist/src/config/load.js'
import { createCA, issueServing } from '../dist/src/certificates/issue.js'
import { createLogger } from '../dist/src/logger.js'
import { findDefinition } from '../dist/src/config/registry.js'
import { freePort } from './server.mjs'
import { median } from './statistics.mjs'

const SECONDS = Number(process.argv[2] ?? 3)
const ROUNDS = 5
const CONNECTIONS = 8 // searching; as many for binds; what a config has by itself
const USERS = 1000
const WARM_USERS = 50 // a password of a users file takes its time to check, once
const HASHED_USERS = 50
const SUFFIX = 'dc=example,dc=test'
const [PLAIN, HASHED] = [`ou=plain,${SUFFIX}`, `ou=hashed,${SUFFIX}`]
const READER = { dn: `cn=reader,${SUFFIX}`, password: 'reader' }

const TOKENS = Array.from({ length: USERS }, (_, user) => Buffer.from(`user${user}:password${user}`).toString('base64'))

const dir = mkdtempSync(join(tmpdir(), 'authn-webhook-bench-'))
const port = await freePort()
const authority = await createCA({ commonName: 'directory CA', days: 1 })
const slapd = startDirectory(await issueServing(authority, { names: ['127.0.0.1'], days: 1 }))
try {
  await answering()
  for (const [title, base, users] of [['cold, hashed passwords', HASHED, HASHED_USERS], ['cold, plain passwords', PLAIN, USERS]]) {
    print(title, await rounds([
      ['a bare loop of ldapts', async () => await bareLoop(base, users)],
      ['the provider, nothing cached', async () => await reviews(ldapSlot(base, { maxEntries: 0 }), users)]
    ]))
  }
  const people = await staticSlot()
  const warm = await rounds([['the static provider', async () => await reviews(people, WARM_USERS, true)], ['the provider, all cached', async () => await reviews(ldapSlot(PLAIN), WARM_USERS, true)]])
  print('warm', warm)
} finally {
  slapd.kill()
  rmSync(dir, { recursive: true })
}

/** Each in turn, several times: what else the machine does meets all alike. */
async function rounds (contestants) {
  const rates = new Map(contestants.map(([name]) => [name, []]))
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, run] of contestants) {
      const rate = await run()
      // in the first one the compiler is still at work
      if (round >= 0) rates.get(name).push(rate)
    }
  }
  return rates
}

function print (title, rates) {
  const [[, first], [, second]] = rates
  for (const [name, values] of rates) console.log(`${title}: ${name.padEnd(28)} ${spread(values)} a second`)
  // of what ran one after the other: a machine that gets busier meets both
  console.log(`${title}: ratio ${median(second.map((rate, round) => rate / first[round])).toFixed(2)}`)
}

/**
 * Search, then bind, over as many connections as the provider has and with as
 * many questions at once; nothing else. The service account searches here
 * too, and users are bound on connections of their own.
 */
async function bareLoop (base, users) {
  const client = async () => new Client({ url: `ldaps://127.0.0.1:${port}`, tlsOptions: { ca: authority.cert } })
  const pairs = await Promise.all(Array.from({ length: CONNECTIONS }, async () => [await client(), await client()]))
  await Promise.all(pairs.map(async ([searching]) => await searching.bind(READER.dn, READER.password)))
  const attributes = ['uid', 'entryUUID', 'pwdChangedTime', 'pwdFailureTime', 'entryCSN', 'modifyTimestamp', 'pwdAccountLockedTime', 'nsAccountLock', 'pwdReset']
  const rate = await timed(CONNECTIONS, async (worker, index) => {
    const [searching, binding] = pairs[worker]
    const { searchEntries: [entry] } = await searching.search(base, { filter: `(uid=user${index % users})`, attributes, sizeLimit: 10 })
    await binding.bind(entry.dn, `password${index % users}`)
  })
  await Promise.all(pairs.flat().map(async client => await client.unbind()))
  return rate
}

async function reviews (slot, users, warm = false) {
  const file = join(dir, 'authn-webhook.yaml')
  writeFileSync(file, JSON.stringify({ apiVersion: 'authn-webhook/v1', tls: { certFile: 'x', keyFile: 'x' }, identityProviders: [slot] }))
  const log = await createLogger({ level: 'silent', format: 'json', terminal: false })
  const { rules, close } = await openChain({ loaded: await loadConfig({ file, findDefinition }), log })
  const ask = async (_worker, index) => {
    const { outcome } = await review({ token: TOKENS[index % users] }, new Deadline(8000), rules)
    if (outcome !== 'authenticated') throw new Error(outcome)
  }
  const warmUp = warm ? users : 0
  for (let index = 0; index < warmUp; index++) await ask(0, index)
  const rate = await timed(CONNECTIONS, ask)
  await close()
  return rate
}

/** Calls a second, of this many workers at once. */
async function timed (workers, call) {
  const end = performance.now() + SECONDS * 1000
  let calls = 0
  let next = 0
  await Promise.all(Array.from({ length: workers }, async (_, worker) => {
    while (performance.now() < end) {
      // in memory nothing else would get its turn
      for (let burst = 0; burst < 50; burst++, calls++) await call(worker, next++)
    }
  }))
  return calls / SECONDS
}

function ldapSlot (baseDN, cache = {}) {
  return {
    name: 'people',
    kind: 'ldap',
    cache,
    config: {
      preset: 'openldap',
      urls: [`ldaps://127.0.0.1:${port}`],
      tls: { caFile: join(dir, 'ca.crt') },
      bindDN: READER.dn,
      bindPassword: READER.password,
      userSearch: { baseDN },
      groupSearch: { mode: 'none' },
      pool: { max: CONNECTIONS }
    }
  }
}

async function staticSlot () {
  const users = await Promise.all(Array.from({ length: WARM_USERS }, async (_, user) => ({ username: `user${user}`, passwordHash: await hashPassword(`password${user}`, { ln: 10 }) })))
  writeFileSync(join(dir, 'users.yaml'), JSON.stringify({ apiVersion: 'authn-webhook/v1', users }))
  return { name: 'people', kind: 'static', config: { usersFile: 'users.yaml' } }
}

function startDirectory ({ cert, key }) {
  mkdirSync(join(dir, 'db'))
  for (const [name, text] of Object.entries({ 'ca.crt': authority.cert, 'slapd.crt': cert, 'slapd.key': key })) writeFileSync(join(dir, name), text)
  writeFileSync(join(dir, 'slapd.conf'), `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${dir}/slapd.pid
TLSCertificateFile ${dir}/slapd.crt
TLSCertificateKeyFile ${dir}/slapd.key
database mdb
suffix "${SUFFIX}"
directory ${dir}/db
dbnosync
index objectClass,uid eq
access to attrs=userPassword by anonymous auth
access to * by users read by anonymous auth
`)
  const person = (user, base, password) => `dn: uid=user${user},${base}\nobjectClass: inetOrgPerson\nuid: user${user}\ncn: user\nsn: user\nuserPassword: ${password}\n`
  const people = [
    ...Array.from({ length: USERS }, (_, user) => person(user, PLAIN, `password${user}`)),
    ...Array.from({ length: HASHED_USERS }, (_, user) => person(user, HASHED, sha512crypt(`password${user}`)))
  ]
  writeFileSync(join(dir, 'tree.ldif'), [
    `dn: ${SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\no: example\ndc: example\n`,
    `dn: ${PLAIN}\nobjectClass: organizationalUnit\nou: plain\n`,
    `dn: ${HASHED}\nobjectClass: organizationalUnit\nou: hashed\n`,
    `dn: ${READER.dn}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: reader\nuserPassword: ${READER.password}\n`,
    ...people
  ].join('\n'))
  const added = spawnSync('/usr/sbin/slapadd', ['-q', '-f', join(dir, 'slapd.conf'), '-l', join(dir, 'tree.ldif')], { encoding: 'utf8' })
  if (added.status !== 0) throw new Error(`slapadd of the Debian package slapd: ${added.error?.message ?? added.stderr}`)
  return spawn('/usr/sbin/slapd', ['-f', join(dir, 'slapd.conf'), '-h', `ldaps://127.0.0.1:${port}/`, '-d', '0'], { stdio: 'ignore' })
}

/** With glibc's 5,000 rounds. */
function sha512crypt (password) {
  return spawnSync('/usr/sbin/slappasswd', ['-n', '-h', '{CRYPT}', '-c', '$6$%.16s', '-s', password], { encoding: 'utf8' }).stdout
}

async function answering () {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch {
      await new Promise(resolve => setTimeout(resolve, 20))
    } finally {
      socket.destroy()
    }
  }
}

/** `median (least to most)` */
function spread (values) {
  const sorted = values.toSorted((a, b) => a - b)
  return `${median(sorted).toFixed(0)} (${sorted[0].toFixed(0)} to ${sorted.at(-1).toFixed(0)})`
}
