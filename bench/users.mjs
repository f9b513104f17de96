// How long a users file takes to load, and a look-up in it, by the number of
// users. After `npm run build`: node bench/users.mjs
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { digestToken } from '../dist/src/authn/token-digest.js'
import { readUsers } from '../dist/src/users-file/read.js'
import { summary } from './statistics.mjs'

const ROUNDS = 5
const LOOKUPS = 100_000

if (process.argv[2] === undefined) compare()
else console.log(JSON.stringify(await measure(process.argv[2], Number(process.argv[3]))))

/** Each round in a process of its own, as at a start. */
function compare () {
  const dir = mkdtempSync(join(tmpdir(), 'authn-webhook-bench-'))
  try {
    for (const size of [1, 1_000, 100_000]) {
      const file = join(dir, `${size}.yaml`)
      writeFileSync(file, usersFile(size))
      const rounds = Array.from({ length: ROUNDS }, () => JSON.parse(spawnSync(process.execPath, [fileURLToPath(import.meta.url), file, String(size)], { encoding: 'utf8' }).stdout))
      console.log(`${String(size).padStart(7)} users: load ${spread(rounds.map(({ load }) => load))} ms, a look-up by token ${spread(rounds.map(({ lookup }) => lookup * 1000))} µs`)
    }
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/** Milliseconds. */
async function measure (file, size) {
  const started = performance.now()
  const users = await readUsers(file)
  const load = performance.now() - started
  const tokens = Array.from({ length: LOOKUPS }, (_, i) => `token-${i * 7919 % size}`)
  const looking = performance.now()
  for (const token of tokens) {
    if (users.byToken(token) === undefined) throw new Error(`${token} is not found`)
  }
  return { load, lookup: (performance.now() - looking) / LOOKUPS }
}

function usersFile (size) {
  const people = Array.from({ length: size }, (_, i) => `  - username: user-${i}
    uid: "${i}"
    groups: [developers]
    tokens:
      - { name: laptop, hash: "${digestToken(`token-${i}`)}" }
`)
  return `apiVersion: authn-webhook/v1\nusers:\n${people.join('')}`
}

function spread (values) {
  const { median, least, most } = summary(values)
  return `${median.toFixed(1)} (${least.toFixed(1)} to ${most.toFixed(1)})`
}
