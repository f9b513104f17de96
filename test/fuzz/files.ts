/** Files that went wrong: only what is said of them may be thrown, and soon. */
import { Config } from '../../schemas/config.js'
import { ValidationError } from '../../src/errors.js'
import { parseDocument } from '../../src/documents/yaml-file.js'
import { parseCertificates, parsePrivateKey } from '../../src/certificates/pem.js'
import { importUsers } from '../../src/users-file/import.js'
import { parseUsers } from '../../src/users-file/read.js'
import { createCA, issueServing } from '../../src/certificates/issue.js'
import { Random } from './random.js'
import type { Goal, Result } from './service-target.js'

interface FileKind {
  readonly valid: readonly string[]
  readonly parse: (text: string) => unknown
}

const HASH = `sha256:${'ab'.repeat(32)}`
const SCRYPT = '$scrypt$ln=14,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U'
const BCRYPT = '$2b$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234'

const USERS = `# people
apiVersion: authn-webhook/v1
users:
  - username: alice
    uid: "1001"
    groups: [developers, platform]
    extra: { example.com/team: ["a", 'b'] }
    passwordHash: ${SCRYPT}
    tokens:
      - name: laptop
        hash: ${HASH}
        expiresAt: 2027-01-01T00:00:00Z
        audiences: &aud [x, y]
  - username: "zo\\u00eb"
    disabled: true
    passwordHash: ${BCRYPT}
`

const CONFIG = `apiVersion: authn-webhook/v1
server: { host: 127.0.0.1, port: 8443, timeout: 1m30s }
tls:
  certFile: tls.crt
  keyFile: tls.key
  clientNames: [kube-apiserver]
audiences: []
throttle: { maxFailures: 5, baseDelay: 1s }
identityProviders:
  - name: people
    kind: static
    usernamePrefix: "corp:"
    reserved: { allowGroups: ["system:masters"] }
    config: { usersFile: users.yaml }
log: { level: info, fingerprintKey: { file: key } }
`

const CSV = `${'t0k3n'.repeat(8)},alice,1001,"developers,platform"\r\n"quo""ted${'x'.repeat(30)}",bob,,\n${'y'.repeat(40)},carol,3\n`
const HTPASSWD = `alice:${BCRYPT}\n# comment\nbob:$apr1$x$y\ncarol:{SHA}x=\n`
/** CPU milliseconds that a file of at most 100 kB may take; load does not count. */
const CPU_LIMIT = 5_000
const MAX_LENGTH = 100_000

async function fileKinds (): Promise<Record<string, FileKind>> {
  const authority = await createCA({ commonName: 'x', days: 1 })
  const { cert, key } = await issueServing(authority, { names: ['localhost'], days: 1 })
  const imported = (format: 'csv' | 'htpasswd') => (text: string): unknown => importUsers(text, { format, file: 'file', groups: ['all'], existing: parseUsers('{ apiVersion: authn-webhook/v1, users: [{ username: carol }] }', 'users.yaml') })
  return {
    users: { valid: [USERS, JSON.stringify({ apiVersion: 'authn-webhook/v1', users: [{ username: 'bob', tokens: [{ name: 'x', hash: HASH }] }] })], parse: text => parseUsers(text, 'file') },
    config: { valid: [CONFIG], parse: text => parseDocument(text, { file: 'file', schema: Config }) },
    certificates: { valid: [cert, `${cert}${authority.cert}`], parse: text => parseCertificates(text, 'file') },
    key: { valid: [key], parse: text => parsePrivateKey(text, 'file') },
    csv: { valid: [CSV], parse: imported('csv') },
    htpasswd: { valid: [HTPASSWD], parse: imported('htpasswd') }
  }
}

export async function fuzzFiles ({ seed, seconds, inputs: most, cases }: Goal): Promise<Result> {
  const kinds = Object.entries(await fileKinds())
  const began = performance.now()
  let inputs = 0
  let slowest = 0
  for (let number = cases?.first ?? 0; number <= (cases?.last ?? Infinity); number++) {
    if (inputs >= most || performance.now() - began > seconds * 1000) break
    const random = new Random(seed, FILES, number)
    const [name, { valid, parse }] = random.pick(kinds)
    const text = mutated(random, random.pick(valid))
    const { broken, milliseconds } = attempt(parse, text)
    inputs++
    slowest = Math.max(slowest, milliseconds)
    const message = broken ?? (milliseconds > CPU_LIMIT ? `it took ${Math.round(milliseconds)} ms of CPU time` : undefined)
    if (message !== undefined) return { inputs, failure: { message: `${name}: ${message}, with ${JSON.stringify(text.slice(0, 5_000))}`, number, range: [number, number] }, comment: '' }
  }
  return { inputs, comment: `${Math.round(inputs / (performance.now() - began) * 1000)} inputs/s, the slowest took ${Math.round(slowest)} ms of CPU time` }
}

/** Tells its cases from those of others. */
const FILES = 3

function attempt (parse: FileKind['parse'], text: string): { broken?: string, milliseconds: number } {
  const before = process.cpuUsage()
  let broken: string | undefined
  try {
    parse(text)
  } catch (error) {
    if (!(error instanceof ValidationError)) broken = String((error as Error).stack)
    else if (error.errors.length === 0) broken = 'refused without a reason'
  }
  const { user } = process.cpuUsage(before)
  return { ...broken !== undefined && { broken }, milliseconds: user / 1_000 }
}

function mutated (random: Random, valid: string): string {
  let text = valid
  for (let changes = random.weighted([[1, 0], [10, random.between(1, 5)], [1, 30]]); changes > 0; changes--) {
    text = random.weighted(MUTATIONS)(random, text).slice(0, MAX_LENGTH)
  }
  return text
}

const PIECES = [
  '"', "'", ':', ': ', '- ', '\n', '\r', '\t', '#', '{', '}', '[', ']', ',', '&a ', '*a', '!!', '!!binary ', '|', '>', '? ', '<<: ', '---\n', '...\n', '%YAML 1.2\n', '~', 'null', '.inf', '0x1F', '1e999', '2027-02-30T25:61:61Z',
  '\u0000', '\ufeff', '\u2028', '\ud83d', '\u{1f600}', '\\ud83d', '__proto__: { x: 1 }\n', 'constructor: x\n', 'users: []\n', '-----BEGIN PRIVATE KEY-----\n', '-----BEGIN CERTIFICATE-----\n', '-----END CERTIFICATE-----\n', 'Proc-Type: 4,ENCRYPTED\n', '=', 'system:masters', '$scrypt$ln=99,r=1,p=1$', '$2b$99$', 'sha256:', '""', '"","'
]

type Mutation = (random: Random, text: string) => string

const MUTATIONS: ReadonlyArray<readonly [number, Mutation]> = [
  [6, (random, text) => spliced(text, random.below(text.length + 1), 0, random.pick(PIECES))],
  [4, (random, text) => spliced(text, random.below(text.length + 1), random.below(20), '')],
  [4, (random, text) => spliced(text, random.below(text.length + 1), 1, String.fromCharCode(random.below(random.chance(0.8) ? 128 : 65_536)))],
  [2, (random, text) => text.slice(0, random.below(text.length + 1))],
  [3, twice],
  [2, (random, text) => text.split('\n').map(line => random.chance(0.1) ? ` ${line}` : line).join('\n')],
  [1, (random, text) => spliced(text, random.below(text.length + 1), 0, random.pick(PIECES).repeat(random.pick([10, 1_000, 20_000])))],
  [1, (random, text) => spliced(text, random.below(text.length + 1), 0, laughs(random.between(2, 12)))],
  [1, (random, text) => text + text.split('\n').slice(-random.between(1, 10)).join('\n').repeat(random.pick([2, 100, 1_000]))],
  [1, random => random.bytes(random.below(500)).toString('latin1')]
]

/** Some line once more, elsewhere. */
function twice (random: Random, text: string): string {
  const lines = text.split('\n')
  lines.splice(random.below(lines.length), 0, random.pick(lines))
  return lines.join('\n')
}

/** Aliases of aliases, each of which doubles. */
function laughs (depth: number): string {
  return `\nl0: &l0 [x]\n${Array.from({ length: depth }, (_, index) => `l${index + 1}: &l${index + 1} [${`*l${index},`.repeat(9)}]\n`).join('')}`
}

function spliced (text: string, at: number, removed: number, added: string): string {
  return text.slice(0, at) + added + text.slice(at + removed)
}
