import bcrypt from 'bcrypt'
import { scryptSync } from 'node:crypto'
import { test } from 'tap'
import { decoyOf, hashPassword, parsePasswordHash, whyWeak } from '../../../src/authn/password-hash.js'

const SALT = Buffer.from('a salt of 16 b..')
const unpadded = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')

/** A scrypt hash made without our code. */
function scryptHash ({ password = 'correct horse', ln = 10, r = 8, p = 1, salt = SALT, bytes = 32 } = {}) {
  const key = scryptSync(password, salt, bytes, { N: 2 ** ln, r, p, maxmem: 2 ** 28 })
  return `$scrypt$ln=${ln},r=${r},p=${p}$${unpadded(salt)}$${unpadded(key)}`
}

/** As `htpasswd -B` writes it. */
const htpasswd = async (password: string) => (await bcrypt.hash(password, 4)).replace(/^\$2b\$/, '$2y$')

test('a new hash', async (t) => {
  t.test('is scrypt with ln=14, r=8, p=1, 16 bytes of salt and a key of 32, in the PHC string format', async (t) => {
    const text = await hashPassword('correct horse')
    t.match(text, /^\$scrypt\$ln=14,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    t.equal(await parsePasswordHash(text).verify('correct horse'), true)
    t.equal(await parsePasswordHash(text).verify('correct house'), false)
  })

  t.test('has a salt of its own', async (t) => {
    t.not(await hashPassword('correct horse', { ln: 10 }), await hashPassword('correct horse', { ln: 10 }))
  })

  const refused: Array<[string, string, RegExp]> = [
    ['an empty password', '', /is empty/],
    ['a line break', 'correct\nhorse', /control character/],
    ['a NUL', 'correct\0horse', /control character/]
  ]
  for (const [what, password, message] of refused) {
    t.test(`is refused for ${what}, which no bearer token carries`, async (t) => {
      const error = await hashPassword(password).catch((error: Error) => error)
      t.match(error, { message })
      t.notMatch(String(error), /horse/)
    })
  }
})

test('the right password and no other', async (t) => {
  const long = 'ü'.repeat(36) // 72 bytes
  const hashes: Array<[string, string, string, string[]]> = [
    ['scrypt made elsewhere', scryptHash(), 'correct horse', ['correct hors', 'Correct horse', 'correct horse ', '']],
    ['scrypt with other parameters', scryptHash({ ln: 11, r: 4, p: 3, salt: SALT.subarray(8), bytes: 16 }), 'correct horse', ['wrong']],
    ['scrypt with a p of two digits', scryptHash({ r: 1, p: 12 }), 'correct horse', ['wrong']],
    ['scrypt at the limit of memory', scryptHash({ ln: 16 }), 'correct horse', ['wrong']],
    ['scrypt of a long password', scryptHash({ password: 'x'.repeat(200) }), 'x'.repeat(200), ['x'.repeat(199)]],
    ['scrypt, which does not normalise', scryptHash({ password: 'caf\u00e9' }), 'caf\u00e9', ['cafe\u0301']],
    ['bcrypt $2b$', await bcrypt.hash('correct horse', 4), 'correct horse', ['wrong', 'correct horse\0correct horse']],
    ['bcrypt $2a$', (await bcrypt.hash('correct horse', 4)).replace('$2b$', '$2a$'), 'correct horse', ['wrong']],
    ['bcrypt $2y$ of htpasswd -B', await htpasswd('correct horse'), 'correct horse', ['wrong', '']],
    ['bcrypt of 72 bytes', await htpasswd(long), long, [`${long}x`, `${long}${'x'.repeat(200)}`, long.slice(1)]]
  ]
  for (const [what, text, right, wrong] of hashes) {
    t.test(what, async (t) => {
      const hash = parsePasswordHash(text)
      t.equal(await hash.verify(right), true)
      for (const password of wrong) t.equal(await hash.verify(password), false, password)
    })
  }
})

test('what a hash never takes has a reason', async (t) => {
  const bcryptHash = parsePasswordHash(await htpasswd('correct horse'))
  t.match(bcryptHash.unfit('é'.repeat(37)), /longer than the 72 bytes/)
  t.match(bcryptHash.unfit('correct\0horse'), /NUL/)
  t.equal(bcryptHash.unfit('é'.repeat(36)), undefined)
  t.equal(parsePasswordHash(scryptHash()).unfit('x'.repeat(1000)), undefined)
})

test('what is refused when it is read, with the reason and without the hash', async (t) => {
  const good = scryptHash()
  const key = unpadded(Buffer.alloc(32, 'k'))
  const salt = unpadded(SALT)
  const crypted = '1234567890123456789012'.padEnd(53, 'X')
  const cases: Array<[string, string, RegExp]> = [
    ['nothing', '', /neither a \$scrypt\$ nor a bcrypt hash/],
    ['plain text', 'hunter2hunter2', /authn-webhook hash password/],
    ['Apache MD5', '$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00', /neither/],
    ['argon2', `$argon2id$v=19$m=65536,t=2,p=1$${salt}$${key}`, /neither/],
    ['bcrypt $2x$', `$2x$10$${crypted}`, /neither/],
    ['scrypt over 64 MiB by ln', `$scrypt$ln=17,r=8,p=1$${salt}$${key}`, /ln=17,r=8 would take more than 64 MiB/],
    ['scrypt over 64 MiB by r', `$scrypt$ln=14,r=33,p=1$${salt}$${key}`, /more than 64 MiB/],
    ['scrypt with an absurd ln', `$scrypt$ln=999,r=8,p=1$${salt}$${key}`, /more than 64 MiB/],
    ['scrypt over the time', `$scrypt$ln=16,r=8,p=3$${salt}$${key}`, /p=3 would take too long/],
    ['scrypt too weak', `$scrypt$ln=9,r=8,p=1$${salt}$${key}`, /ln=9 is too weak/],
    ['scrypt without r', `$scrypt$ln=14,p=1$${salt}$${key}`, /malformed scrypt hash/],
    ['scrypt with p=0', `$scrypt$ln=14,r=8,p=0$${salt}$${key}`, /malformed scrypt hash/],
    ['scrypt with a padded key', `$scrypt$ln=14,r=8,p=1$${salt}$${key}=`, /malformed scrypt hash/],
    ['scrypt cut off', good.slice(0, -2), /key is not unpadded base64/],
    ['scrypt with a short key', `$scrypt$ln=14,r=8,p=1$${salt}$${unpadded(Buffer.alloc(12, 'k'))}`, /key has 12 bytes/],
    ['scrypt with a short salt', `$scrypt$ln=14,r=8,p=1$${unpadded(Buffer.alloc(6, 's'))}$${key}`, /salt has 6 bytes/],
    ['scrypt with a huge salt', `$scrypt$ln=14,r=8,p=1$${unpadded(Buffer.alloc(66, 's'))}$${key}`, /salt has 66 bytes/],
    ['bcrypt above cost 14', `$2b$15$${crypted}`, /cost 15.*14/],
    ['bcrypt below cost 4', `$2b$03$${crypted}`, /cost 3.*4/],
    ['bcrypt with more behind it', `$2b$10$${crypted}X`, /malformed bcrypt hash/],
    ['bcrypt with something before it', `x$2b$10$${crypted}`, /neither/],
    ['bcrypt cut off', `$2y$10$${crypted.slice(1)}`, /malformed bcrypt hash/]
  ]
  for (const [what, text, message] of cases) {
    t.test(what, async (t) => {
      try {
        parsePasswordHash(text)
        t.fail('should have been refused')
      } catch (error) {
        t.match(error, { message })
        for (const secret of ['hunter2', key.slice(0, 8), salt.slice(0, 8), '12345678']) {
          t.notOk(String(error).includes(secret), `does not repeat ${secret}`)
        }
      }
    })
  }
})

test('the most that is read', async (t) => {
  const key = unpadded(Buffer.alloc(32, 'k'))
  for (const [what, text, cost] of [
    ['work', `$scrypt$ln=16,r=8,p=2$${unpadded(SALT)}$${key}`, '$scrypt$ln=16,r=8,p=2'],
    ['a salt of 64 bytes', `$scrypt$ln=14,r=8,p=1$${unpadded(Buffer.alloc(64, 's'))}$${key}`, '$scrypt$ln=14,r=8,p=1'],
    ['a key of 64 bytes', `$scrypt$ln=14,r=8,p=1$${unpadded(SALT)}$${unpadded(Buffer.alloc(64, 'k'))}`, '$scrypt$ln=14,r=8,p=1'],
    ['bcrypt with cost 14', `$2y$14$${'x'.repeat(53)}`, '$2b$14']
  ] as const) t.equal(parsePasswordHash(text).cost, cost, what)
})

test('a bcrypt hash of a low cost is weak', async (t) => {
  for (const cost of ['$2b$04', '$2b$09']) t.match(whyWeak(cost), new RegExp(`cost ${Number(cost.slice(-2))} `), cost)
  for (const cost of ['$2b$10', '$2b$14', '$scrypt$ln=10,r=8,p=1', 'x$2b$04', '$2b$041']) t.equal(whyWeak(cost), undefined, cost)
})

test('a decoy costs what its model costs, and is never right', async (t) => {
  for (const text of [scryptHash({ ln: 11, p: 2 }), await htpasswd('correct horse')]) {
    const model = parsePasswordHash(text)
    const decoy = decoyOf(model)
    t.equal(decoy.cost, model.cost)
    t.ok(decoy.cost === '$scrypt$ln=11,r=8,p=2' || decoy.cost === '$2b$04', decoy.cost)
    let turned = false
    setImmediate(() => { turned = true })
    t.equal(await decoy.verify('correct horse'), false)
    t.equal(turned, true, 'it has been computed')
    t.equal(decoy.unfit('x'.repeat(100)), undefined)
  }
})

test('the event loop turns while passwords are hashed', async (t) => {
  const hashes = [scryptHash({ ln: 15 }), await bcrypt.hash('correct horse', 10)].map(parsePasswordHash)
  let turns = 0
  const timer = setInterval(() => { turns++ }, 1)
  await Promise.all(hashes.map(async (hash) => await hash.verify('wrong')))
  clearInterval(timer)
  t.ok(turns > 5, `${turns} turns`)
})
