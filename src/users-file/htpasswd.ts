/**
 * Reads htpasswd files, `user:hash`, as Apache, nginx, Traefik and Dovecot do:
 * ignores white space around a line, and what follows a second colon. Imports
 * bcrypt hashes and those of this project; errors name every other type. No
 * message repeats a hash, which may be a password, or the user of a rejected
 * line, which may be a token in another format.
 */
import type { ImportedFile } from './import.js'

export function readHtpasswd (text: string, { users, errors }: ImportedFile): void {
  for (const [index, content] of text.split('\n').entries()) {
    const line = index + 1
    const [username = '', typed = ''] = content.split(':', 2).map((field) => field.trim())
    if (content.trim() === '' || username.startsWith('#')) continue
    const passwordHash = unwrap(typed)
    const reject = (message: string): void => { errors.push({ path: '', line, message }) }
    const supported = SUPPORTED.test(passwordHash)
    if (!supported && TOKEN_LINE.test(username)) reject('looks like a line of a CSV token file; use --format csv')
    else if (username === '' || passwordHash === '') reject('expected user:hash')
    else if (!supported) reject(`the password is stored as ${describe(passwordHash)}; set it again with "htpasswd -B -C 12", or remove the line and use "authn-webhook users add"`)
    else if (users.has(username)) reject(`the same user as on line ${users.get(username)?.line}`)
    else users.set(username, { user: { username, passwordHash }, line, tokens: [] })
  }
}

/** `token,user,uid` */
const TOKEN_LINE = /,.*,/

const SUPPORTED = /^\$(?:2[aby]|scrypt)\$/

/**
 * The hash without additions of other programs: Docker Compose doubles each `$`,
 * and Dovecot and LDAP put the scheme before a crypt hash.
 */
function unwrap (typed: string): string {
  const hash = typed.replace(/^\{(?:BCRYPT|CRYPT|[A-Z0-9]+-CRYPT|ARGON2ID?)\}/i, '')
  return hash.startsWith('$$') ? hash.replaceAll('$$', '$') : hash
}

const WEAK = 'which is too easy to guess'
const UNSUPPORTED = 'which is not supported'

const HASH_TYPES: ReadonlyArray<readonly [pattern: RegExp, type: string, advice: string]> = [
  [/^\$(?:apr1|1)\$/, 'an MD5 hash', WEAK],
  [/^\$5\$/, 'a SHA-256 crypt hash', UNSUPPORTED],
  [/^\$6\$/, 'a SHA-512 crypt hash', UNSUPPORTED],
  [/^\$2x\$/, 'a bcrypt hash of the flawed type $2x$', UNSUPPORTED],
  [/^\$g?y\$/, 'a yescrypt hash', UNSUPPORTED],
  [/^\$7\$/, 'an scrypt hash of crypt(3)', UNSUPPORTED],
  [/^\$argon2(?:id|i|d)\$/, 'an Argon2 hash', UNSUPPORTED],
  [/^(?:\$pbkdf2|\{PBKDF2)/i, 'a PBKDF2 hash', UNSUPPORTED],
  [/^\{SCRAM-SHA-(?:1|256)[}.]/i, 'a SCRAM verifier', UNSUPPORTED],
  [/^\{OTP[}.]/i, 'a one-time password', UNSUPPORTED],
  [/^\{SHA1?[}.]/i, 'a SHA-1 hash', WEAK],
  [/^\{SSHA[}.]/i, 'a salted SHA-1 hash', WEAK],
  [/^\{S?SHA(?:256|512)[}.]/i, 'a fast SHA-2 hash', WEAK],
  [/^\{(?:S?MD5|LDAP-MD5|PLAIN-MD[45]|CRAM-MD5|DIGEST-MD5|HMAC-MD5)[}.]/i, 'an MD5 or MD4 hash', WEAK],
  [/^\{(?:NTLM|LANMAN|NT|LM)[}.]/i, 'a Windows password hash', WEAK],
  [/^\{(?:PLAIN|CLEAR|CLEARTEXT|PLAIN-TRUNC)[}.]/i, 'plain text', 'which anyone who sees the file can read'],
  // traditional crypt: 8 characters only
  [/^[./0-9A-Za-z]{13}$/, 'a DES crypt hash', WEAK]
]

function describe (hash: string): string {
  const [, type, advice] = HASH_TYPES.find(([pattern]) => pattern.test(hash)) ?? [undefined, 'plain text or an unknown type of hash', UNSUPPORTED]
  return `${type}, ${advice}`
}
