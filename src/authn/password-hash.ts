/**
 * Password hashes: scrypt, which this project creates, and bcrypt, as created by
 * `htpasswd -B` and others.
 *
 * Both are computed in libuv's threadpool, never on the event loop, and
 * compared in constant time. A hash that would take too much memory or time to
 * check is rejected when it is read: one line of a users file must not stop the
 * service.
 *
 * Passwords are the bytes of their UTF-8, without normalisation, as in other
 * programs.
 */
import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto'
import { promisify } from 'node:util'
import bcrypt from 'bcrypt'

export interface PasswordHash {
  /** Algorithm and parameters, such as `$scrypt$ln=14,r=8,p=1` or `$2b$10`: equal costs take equal time to check. */
  readonly cost: string
  /** Whether this is the password. Takes the same time for a wrong one. */
  verify: (password: string) => Promise<boolean>
  /** Why this kind of hash can't be of such a password; `undefined` if it can. */
  unfit: (password: string) => string | undefined
}

export interface HashOptions {
  /** Binary logarithm of scrypt's N; 14 takes 16 MiB. */
  readonly ln?: number
}

const scryptAsync = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)

const BLOCK = 128 // bytes of a scrypt block with r = 1 (RFC 7914)
const MAX_MEMORY = 64 * 1024 * 1024
const MIN_LN = 10
// N·r·p: twice N = 2^16, r = 8, the maximum for the memory; about half a second
const MAX_WORK = 2 ** 20
const MIN_SALT = 8
const MIN_KEY = 16
const MAX_BYTES = 64
const MAX_BCRYPT_COST = 14 // about a second
const SAFE_BCRYPT_COST = 10 // what OWASP's password storage cheat sheet asks for at least; "htpasswd -B" makes 5
const MAX_BCRYPT_PASSWORD = 72

const SCRYPT = /^\$scrypt\$ln=([1-9]\d{0,2}),r=([1-9]\d{0,9}),p=([1-9]\d{0,9})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/
const BCRYPT = /^\$2[aby]\$(\d\d)\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})$/
// src/authn/credential.ts accepts none of them in a password
const CONTROL = /\p{Cc}/u

/**
 * Reads `$scrypt$ln=14,r=8,p=1$SALT$KEY` (PHC string format, unpadded standard
 * base64) or bcrypt's `$2b$10$…` (also `$2a$` and `$2y$`).
 * @throws Error that says what is wrong and what to do, without the hash
 */
export function parsePasswordHash (text: string): PasswordHash {
  if (text.startsWith('$scrypt$')) return parseScrypt(text)
  if (/^\$2[aby]\$/.test(text)) return parseBcrypt(text)
  throw new Error('neither a $scrypt$ nor a bcrypt hash; make one with "authn-webhook hash password"')
}

/**
 * A new scrypt hash under a random salt.
 * @throws Error for a password that no bearer token can carry, so that it could never be used
 */
export async function hashPassword (password: string, { ln = 14 }: HashOptions = {}): Promise<string> {
  if (password === '') throw new Error('the password is empty')
  if (CONTROL.test(password)) throw new Error('the password contains a control character, such as a tab, a line break or a NUL; nobody could present it')
  const parameters = { ln, r: 8, p: 1 }
  const salt = randomBytes(16)
  const key = await derive(password, salt, 32, parameters)
  return `${scryptCost(parameters)}$${encode(salt)}$${encode(key)}`
}

/** A hash of a random key with the cost of `model`: for names without an account, so that time does not reveal them. */
export function decoyOf (model: PasswordHash): PasswordHash {
  const decoy = model instanceof ScryptHash
    ? new ScryptHash(model.parameters, randomBytes(16), randomBytes(32))
    : parseBcrypt(`${model.cost}$${'.'.repeat(53)}`)
  return { cost: decoy.cost, unfit: () => undefined, verify: async (password) => await decoy.verify(password) && false }
}

/** Why a stolen file of such hashes is easy to attack, and what to do; `undefined` if it is not. */
export function whyWeak (cost: PasswordHash['cost']): string | undefined {
  const [, bcryptCost] = /^\$2b\$(\d\d)$/.exec(cost) ?? []
  if (bcryptCost === undefined || Number(bcryptCost) >= SAFE_BCRYPT_COST) return undefined
  return `bcrypt with cost ${Number(bcryptCost)} is quick to guess: set the password again with "authn-webhook users set-password", or with "htpasswd -B -C 12"`
}

interface ScryptParameters {
  readonly ln: number
  readonly r: number
  readonly p: number
}

class ScryptHash implements PasswordHash {
  constructor (readonly parameters: ScryptParameters, readonly salt: Buffer, readonly key: Buffer) {}

  get cost () { return scryptCost(this.parameters) }

  unfit () { return undefined }

  async verify (password: string) {
    return timingSafeEqual(await derive(password, this.salt, this.key.length, this.parameters), this.key)
  }
}

/** The package wraps the length at 256 bytes for `$2a$` and does not know `$2y$`; `$2b$` is equal for all accepted passwords. */
class BcryptHash implements PasswordHash {
  constructor (readonly cost: string, readonly salt: string, readonly key: Buffer) {}

  unfit (password: string) {
    if (Buffer.byteLength(password) > MAX_BCRYPT_PASSWORD) return `longer than the ${MAX_BCRYPT_PASSWORD} bytes that bcrypt looks at; hash it with scrypt`
    if (password.includes('\0')) return 'cut short by a NUL, which bcrypt takes for its end'
    return undefined
  }

  async verify (password: string) {
    const hash = await bcrypt.hash(password, `${this.cost}$${this.salt}`)
    return timingSafeEqual(Buffer.from(hash.slice(-this.key.length)), this.key) && this.unfit(password) === undefined
  }
}

function parseScrypt (text: string): PasswordHash {
  const match = SCRYPT.exec(text)
  if (match === null) throw new Error('a malformed scrypt hash: expected $scrypt$ln=…,r=…,p=…$SALT$KEY with unpadded base64; was it copied whole?')
  const [, ln, r, p, salt = '', key = ''] = match
  const parameters = { ln: Number(ln), r: Number(r), p: Number(p) }
  checkCost(parameters)
  return new ScryptHash(parameters, decode(salt, 'salt', MIN_SALT), decode(key, 'key', MIN_KEY))
}

function checkCost ({ ln, r, p }: ScryptParameters): void {
  if (ln < MIN_LN) throw new Error(`scrypt with ln=${ln} is too weak; use ln=${MIN_LN} at least, better 14`)
  const memory = BLOCK * 2 ** ln * r
  if (memory > MAX_MEMORY) throw new Error(`scrypt with ln=${ln},r=${r} would take more than 64 MiB for every check; use ln=16,r=8 at most`)
  if (2 ** ln * r * p > MAX_WORK) throw new Error(`scrypt with ln=${ln},r=${r},p=${p} would take too long for every check; use a smaller p`)
}

function parseBcrypt (text: string): PasswordHash {
  const match = BCRYPT.exec(text)
  if (match === null) throw new Error('a malformed bcrypt hash: expected $2b$, two digits, $ and 53 characters; was it copied whole?')
  const [, digits, salt = '', key = ''] = match
  const cost = Number(digits)
  if (cost < 4 || cost > MAX_BCRYPT_COST) throw new Error(`bcrypt with cost ${cost}: between 4 and ${MAX_BCRYPT_COST} are read, more would take too long for every check; make a scrypt hash with "authn-webhook hash password"`)
  return new BcryptHash(`$2b$${digits}`, salt, Buffer.from(key))
}

function derive (password: string, salt: Buffer, length: number, { ln, r, p }: ScryptParameters): Promise<Buffer> {
  // RFC 7914: V takes 128·N·r bytes, B 128·r·p, and a few blocks to work in
  const maxmem = BLOCK * r * (2 ** ln + p + 2)
  return scryptAsync(password, salt, length, { N: 2 ** ln, r, p, maxmem })
}

function scryptCost ({ ln, r, p }: ScryptParameters): string {
  return `$scrypt$ln=${ln},r=${r},p=${p}`
}

function encode (bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}

function decode (text: string, what: string, min: number): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (encode(bytes) !== text) throw new Error(`a malformed scrypt hash: the ${what} is not unpadded base64; was it copied whole?`)
  if (bytes.length < min || bytes.length > MAX_BYTES) throw new Error(`a scrypt hash whose ${what} has ${bytes.length} bytes; ${min} to ${MAX_BYTES} are read`)
  return bytes
}
