/**
 * htpasswd files, `user:hash`, as Apache, nginx, Traefik and Dovecot read them:
 * white space around a line does not count, nor does what follows a second
 * colon. Only bcrypt and our own scrypt hashes are taken over; every other
 * kind is named. No message repeats a hash, which may be a password, nor the
 * user of a line that is refused: of another format it may be a token.
 */
import type { Reading } from './import-draft.js'

export function readHtpasswd (text: string, { drafts, errors }: Reading): void {
  for (const [index, content] of text.split('\n').entries()) {
    const line = index + 1
    const [username = '', typed = ''] = content.split(':', 2).map((field) => field.trim())
    if (content.trim() === '' || username.startsWith('#')) continue
    const passwordHash = unwrap(typed)
    const refuse = (message: string): void => { errors.push({ path: '', line, message }) }
    const supported = SUPPORTED.test(passwordHash)
    if (!supported && TOKEN_LINE.test(username)) refuse('looks like a line of a CSV token file; use --format csv')
    else if (username === '' || passwordHash === '') refuse('expected user:hash')
    else if (!supported) refuse(`the password is stored as ${describe(passwordHash)}; set it again with "htpasswd -B -C 12", or remove the line and use "authn-webhook users add"`)
    else if (drafts.has(username)) refuse(`the same user as on line ${drafts.get(username)!.line}`)
    else drafts.set(username, { user: { username, passwordHash }, line, tokens: [] })
  }
}

/** Two commas, in front of any colon: `token,user,uid`. */
const TOKEN_LINE = /,.*,/

const SUPPORTED = /^\$(?:2[aby]|scrypt)\$/

/**
 * The hash without what other programs put around it: Docker Compose doubles
 * each `$`, and Dovecot and LDAP name the scheme of a crypt hash in front of it.
 */
function unwrap (typed: string): string {
  const hash = typed.replace(/^\{(?:BCRYPT|CRYPT|[A-Z0-9]+-CRYPT|ARGON2ID?)\}/i, '')
  return hash.startsWith('$$') ? hash.replaceAll('$$', '$') : hash
}

const WEAK = 'which is too easy to guess'
const UNSUPPORTED = 'which is not supported'

const KINDS: ReadonlyArray<readonly [pattern: RegExp, kind: string, verdict: string]> = [
  [/^\$(?:apr1|1)\$/, 'an MD5 hash', WEAK],
  [/^\$5\$/, 'a SHA-256 crypt hash', UNSUPPORTED],
  [/^\$6\$/, 'a SHA-512 crypt hash', UNSUPPORTED],
  [/^\$2x\$/, 'a bcrypt hash of the flawed kind $2x$', UNSUPPORTED],
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
  // traditional crypt, which looks at 8 characters
  [/^[./0-9A-Za-z]{13}$/, 'a DES crypt hash', WEAK]
]

function describe (hash: string): string {
  const [, kind, verdict] = KINDS.find(([pattern]) => pattern.test(hash)) ?? [undefined, 'plain text or an unknown kind of hash', UNSUPPORTED]
  return `${kind}, ${verdict}`
}
