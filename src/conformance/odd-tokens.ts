/** Tokens that must not authenticate. An API server forwards any token that it receives. */
import type { Presented } from './subject.js'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const unsigned = (...parts: object[]): string => parts.map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')

/** What parsers, directories, databases, object keys and format strings have stumbled over. */
export const ODD_TOKENS: readonly string[] = [
  'a', ' ', '\n', '\0', '.', '..', '...', '*', ':', '=', '%', '%s%d%o%n', '%00', '$(id)', '../../etc/passwd', '<script>',
  '\'', '"', "' OR '1'='1", '*)(uid=*', 'null', 'undefined', 'true', '0', 'NaN', '{}', '[]', '{"user":{"username":"admin"}}',
  '__proto__', 'constructor', 'toString', 'hasOwnProperty',
  // letters of other scripts, a decomposed one, a direction mark, a byte order mark, half a surrogate pair
  'Schlüssel', 'ключ', '鍵', '🔑', 'e\u0301', '\u202egnp', '\ufeff', '\ud800',
  // 16 KiB, the longest that is passed on by default
  'a'.repeat(16384), '🔑'.repeat(4096), `${'A'.repeat(16383)}=`,
  // JWT-shaped: RFC 7519
  'a.b.c', 'eyJ.eyJ.eyJ', 'eyJhbGciOiJub25lIn0..',
  `${unsigned({ alg: 'none' }, { sub: 'admin' })}.`,
  `${unsigned({ alg: 'HS256' }, { sub: 'admin', exp: 1e99 })}.c2ln`,
  `${unsigned({ alg: 'RS256', kid: '../../key' }, {})}.c2ln`,
  // password-shaped, and nearly so; the first is not UTF-8
  Buffer.from([0xff, 0xfe, 0x3a, 0xff]).toString('base64'), base64(':'), base64('admin:'), base64(':admin'),
  base64('admin:admin:admin'), base64('*:*'), base64('*)(uid=*:x'), base64('__proto__:x'), base64('constructor:x'),
  base64(`${'n'.repeat(4000)}:x`), base64('Grüße:鍵'), base64(`nobody:${'x'.repeat(4000)}`)
]

/** Credentials that differ a little from a valid one. */
export function nearMisses (presented: Presented): Array<[change: string, presented: Presented]> {
  if (typeof presented === 'string') {
    return [
      ['with a letter in front', `x${presented}`],
      ['without its first letter', presented.slice(1)],
      ['cut in half', presented.slice(0, presented.length >> 1)]
    ]
  }
  const { username, password } = presented
  return [
    ['with a longer password', { username, password: `${password}x` }],
    ['with a shorter password', { username, password: password.slice(0, -1) }],
    ['with another name', { username: `${username}x`, password }],
    ['with its name for a password', { username, password: username }]
  ]
}
