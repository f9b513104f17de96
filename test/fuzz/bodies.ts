/** TokenReviews as the API server sends them, and as it never would. */
import { alice, basicToken, bob } from '../fixtures/people.js'
import type { Random } from './random.js'

/** A body, and who may be authenticated by it, on a connection of the API server. */
export interface Body {
  readonly text: string
  readonly bearer?: string
  /** Whether this answer is due, unless the process says that it is overloaded. */
  readonly due?: boolean
}

const V1 = 'authentication.k8s.io/v1'
const VERSIONS = [V1, 'authentication.k8s.io/v1beta1']

/** All are secrets: nothing that comes back, or is logged, may hold one. */
export const CANARY = 'canary-'

export function legitimate (random: Random): Body {
  const [token, { user: { username } }] = random.pick([[alice.token, alice], [bob.token, bob], [basicToken('bob', bob.password), bob]] as const)
  const text = JSON.stringify({ kind: 'TokenReview', apiVersion: random.pick(VERSIONS), metadata: { creationTimestamp: null }, spec: { token, ...random.chance(0.2) && { audiences: ['https://kubernetes.default.svc'] } }, status: { user: {} } })
  return { text: `${text}\n`, bearer: username, due: true }
}

export function body (random: Random): Body {
  return random.weighted(KINDS)(random)
}

const KINDS: ReadonlyArray<readonly [number, (random: Random) => Body]> = [
  [30, legitimate],
  [12, random => review({ token: oddToken(random) })],
  [12, random => review({ token: alice.token, ...oddFields(random) }, alice.user.username)],
  [10, mutatedText],
  [8, random => ({ text: JSON.stringify(odd(random, 4)) })],
  [5, random => ({ text: JSON.stringify({ apiVersion: V1, kind: 'TokenReview', spec: odd(random, 3) }) })],
  [4, random => ({ text: JSON.stringify({ [random.pick(['apiVersion', 'kind', 'spec'])]: odd(random, 2), apiVersion: odd(random, 1), kind: 'TokenReview', spec: { token: odd(random, 2) } }) })],
  [3, nested],
  [3, random => ({ text: random.bytes(random.between(0, 300)).toString('latin1') })],
  [3, random => ({ text: random.pick(['', ' ', 'null', '[]', '""', '0', '{', '{}', '\u0000', '\ufeff{}', 'NaN', '{"a":1e999}', '"\\ud83d"']) })],
  [3, poisoned],
  [2, large]
]

function review (spec: object, bearer?: string): Body {
  return { text: JSON.stringify({ apiVersion: V1, kind: 'TokenReview', spec }), ...bearer !== undefined && { bearer } }
}

/** Passwords are checked slowly, on purpose: few inputs may be such. */
function oddToken (random: Random): string {
  if (random.chance(0.02)) return basicToken(random.pick(['alice', 'nobody', 'carol', 'Alice', 'system:admin', 'al\u0131ce']), `${CANARY}${random.next()}`)
  return random.pick([
    () => `${CANARY}${random.next()}`,
    () => random.bytes(random.between(1, 60)).toString('base64'),
    () => random.bytes(random.between(1, 60)).toString('base64url'),
    () => `${basicToken('bob', bob.password)}${random.pick(['=', '==', '\n\n', ' ', '\u0000', 'A', 'é'])}`,
    () => basicToken(`bob${random.pick(['\u0000', '\n', '\u0085', '\ud83d', ''])}`, random.pick(['', '\u0000', '\u001b[2J'])),
    () => Buffer.concat([Buffer.from('bob:'), Buffer.from([0xff, 0xfe, random.below(256)]), random.bytes(random.below(8))]).toString('base64'),
    () => `eyJhbGciOiJub25lIn0.${random.bytes(random.between(1, 40)).toString('base64url')}.`,
    () => `${alice.token}${random.pick([' ', '\n', '\u0000', '\u200b'])}`,
    () => random.pick(['\ud800', '\u{1f600}', '\r\n', '__proto__', 'constructor', '\u0000', 'e\u0301']),
    () => 'x'.repeat(random.pick([255, 256, 16_383, 16_384, 16_385, 40_000]))
  ])()
}

function oddFields (random: Random): object {
  return random.pick([
    () => ({ audiences: Array.from({ length: random.pick([0, 1, 100, 2_000]) }, () => random.pick(['', 'a', '\u0000', '__proto__', 'ü'])) }),
    () => ({ audiences: odd(random, 2) }),
    () => ({ [random.pick(['__proto__', 'constructor', 'toJSON', 'length', ''])]: odd(random, 2) }),
    () => ({ status: { authenticated: true, user: { username: 'system:admin', groups: ['system:masters'] } } })
  ])()
}

function odd (random: Random, depth: number): unknown {
  const leaf = (): unknown => random.pick([null, true, false, 0, -0, 1e308, -1, 2 ** 53, 'x', '', '\u0000', '\ud800', 'TokenReview', V1, `${CANARY}leaf`])
  if (depth === 0 || random.chance(0.3)) return leaf()
  if (random.chance(0.4)) return Array.from({ length: random.below(5) }, () => odd(random, depth - 1))
  return Object.fromEntries(Array.from({ length: random.below(5) }, () => [random.pick(['token', 'audiences', 'spec', 'kind', 'apiVersion', 'status', 'constructor', 'prototype', '', 'a']), odd(random, depth - 1)]))
}

/** A right review with some bytes changed. Of a token that another byte makes another one, nobody is authenticated but its bearer. */
function mutatedText (random: Random): Body {
  const bytes = Buffer.from(legitimate(random).text)
  for (let changes = random.between(1, 4); changes > 0; changes--) {
    const at = random.below(bytes.length)
    bytes[at] = random.pick([random.below(256), 0x22, 0x5c, 0x7b, 0x7d, 0x00, 0x2c])
  }
  const text = bytes.subarray(0, random.chance(0.3) ? random.below(bytes.length) : bytes.length).toString('latin1')
  // a change outside of the token leaves it right
  return { text, bearer: text.includes(alice.token) ? 'alice' : 'bob' }
}

function nested (random: Random): Body {
  const depth = random.pick([10, 1_000, 10_000, 30_000])
  const [open, close] = random.pick([['[', ']'], ['{"a":', '}']] as const)
  const deep = `${open.repeat(depth)}1${random.chance(0.8) ? close.repeat(depth) : ''}`
  return random.chance(0.5) ? { text: deep } : { text: `{"apiVersion":"${V1}","kind":"TokenReview","spec":{"token":"${CANARY}deep"},"status":${deep}}` }
}

/** Which of two equal keys counts is JSON.parse's to say; `__proto__` must be a key like any other, or refused. */
function poisoned (random: Random): Body {
  const spec = random.pick([
    `{"token":"${CANARY}x","token":"${alice.token}"}`,
    `{"__proto__":{"token":"${alice.token}"}}`,
    `{"constructor":{"prototype":{"authenticated":true}},"token":"${CANARY}x"}`,
    `{"token":"${alice.token}","__proto__":{"audiences":["x"]}}`
  ])
  const text = random.pick([
    `{"apiVersion":"${V1}","kind":"TokenReview","spec":${spec}}`,
    `{"apiVersion":"${V1}","kind":"TokenReview","__proto__":{"spec":${spec}}}`,
    `{"apiVersion":"nothing","apiVersion":"${V1}","kind":"TokenReview","spec":${spec}}`
  ])
  return { text, ...spec.startsWith(`{"token":"${CANARY}x","token"`) && { bearer: 'alice' } }
}

function large (random: Random): Body {
  const filler = 'a'.repeat(random.pick([9_000, 60_000, 65_000, 66_000, 100_000]))
  return random.chance(0.5)
    ? { text: filler }
    : { text: JSON.stringify({ apiVersion: V1, kind: 'TokenReview', metadata: { annotations: { filler } }, spec: { token: alice.token } }), bearer: 'alice' }
}
