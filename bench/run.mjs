// Measures this service beside its peers and beside the limit, on one machine in
// one run; README.md says how. Ends with 1 where a bar is missed by more than its
// noise. --smoke takes a minute, shows that everything works, and judges nothing.
//
// usage: npm run bench -- [--smoke] [--install] [--only CASE]…
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { judge } from './bars.mjs'
import { jwt } from './cases/jwt.mjs'
import { disturbance, latency } from './cases/latency.mjs'
import { memory } from './cases/memory.mjs'
import { cachedTokens, users } from './cases/scale.mjs'
import { plugin } from './cases/plugin.mjs'
import { reload } from './cases/reload.mjs'
import { session } from './cases/session.mjs'
import { signIn } from './cases/sign-in.mjs'
import { start } from './cases/start.mjs'
import { throughput } from './cases/throughput.mjs'
import { pinThisProcess } from './cores.mjs'
import { plot } from './plot.mjs'
import { barTable, figureTables, quietness } from './report.mjs'
import { requirePackages } from '../test/e2e/tools.mjs'
import { buildGoPeer, findNode } from './tools.mjs'
import { createWorld } from './world.mjs'

const CASES = { throughput, jwt, session, 'sign-in': signIn, latency, disturbance, 'cached-tokens': cachedTokens, users, reload, start, plugin, memory }

/** How much of everything: enough to judge, or just enough to see that it works. */
const FULL = {
  rounds: 5,
  /** Seconds. */
  window: 1.2,
  /** Reviews. */
  warmUp: 15_000,
  bcryptReviews: 24,
  /** JWTs that are signed: more than two windows and a cache hold, so that none is cached when its turn comes again. */
  jwts: 24_000,
  /** JWTs of a window. */
  freshJwts: 3_000,
  /** Sign-in pages. */
  pages: 300,
  abandoned: 10_000,
  /** `[reviews a second, seconds]` */
  rates: [[100, 1.5], [1000, 3], [5000, 1]],
  /** Seconds: a full collection stalls 40 of 1,000 reviews a second every few seconds, and must not be the 99th percentile of a window. */
  disturbed: 6,
  /** Seconds, in which a reload begins and ends. */
  reload: 6,
  /** Tokens, users. */
  many: 100_000,
  reviews: 1_000_000
}
const SMOKE = { rounds: 1, window: 0.2, warmUp: 500, bcryptReviews: 4, jwts: 400, freshJwts: 100, pages: 20, abandoned: 40, rates: [[100, 0.2], [1000, 0.2], [5000, 0.2]], disturbed: 0.2, reload: 1, many: 1_000, reviews: 10_000 }
/** Seconds of the run for measuring again what somebody else disturbed. */
const SPARE = 60

const options = parseArgs({
  options: {
    smoke: { type: 'boolean', default: false },
    install: { type: 'boolean', default: process.env.CI === 'true' },
    only: { type: 'string', multiple: true }
  }
}).values
const chosen = options.only ?? Object.keys(CASES)
const unknown = chosen.find(name => CASES[name] === undefined)
if (unknown !== undefined) throw new Error(`--only takes ${Object.keys(CASES).join(', ')}, not ${unknown}`)

const began = performance.now()
const seconds = () => Math.round((performance.now() - began) / 1000)
requirePackages({ h2load: 'nghttp2-client', go: 'golang-go', taskset: 'util-linux' }, options.install)
const [goPeer, node20, node24] = [buildGoPeer(), findNode(20), findNode(24)]
pinThisProcess()

const samples = []
const world = await createWorld({ node: node20.path, goPeer: goPeer.path })
const bench = {
  world,
  node24: node24.path,
  plan: options.smoke ? SMOKE : FULL,
  spare: { seconds: options.smoke ? 0 : SPARE },
  record: (work, subject, round, figures) => { samples.push({ work, subject, round, ...figures }) },
  say: what => { console.error(`${String(seconds()).padStart(4)} s  ${what}`) }
}
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await world.close()
    process.exit(130)
  })
}
try {
  for (const name of chosen) await CASES[name](bench)
} finally {
  await world.close()
}

// one short round tells nothing of a bar
const bars = judge(samples).map(bar => options.smoke ? { ...bar, verdict: undefined } : bar)
const tables = `${figureTables(samples)}\n\n${barTable(bars)}\n\n${quietness(samples)} ${seconds()} s.`
console.log(`\n${tables}`)
if (!options.smoke) {
  if (options.only === undefined) save()
  if (bars.some(({ verdict }) => verdict === 'missed')) process.exitCode = 1
}

/** A whole run replaces the last one's. */
function save () {
  const run = {
    date: new Date().toISOString().slice(0, 10),
    machine: { processor: cpus()[0].model, processors: cpus().length },
    versions: { node: node20.version, node24: node24.version, go: goPeer.version },
    plan: bench.plan,
    seconds: seconds()
  }
  const lines = values => `[\n${values.map(value => `    ${JSON.stringify(value)}`).join(',\n')}\n  ]`
  const json = `{\n  "run": ${JSON.stringify(run)},\n  "bars": ${lines(bars)},\n  "samples": ${lines(samples)}\n}\n`
  mkdirSync(new URL('results', import.meta.url), { recursive: true })
  write('results/latest.json', json)
  write('../docs/performance.svg', plot(samples, run))
  const page = '../docs/performance.md'
  write(page, read(page).replace(/(<!-- measured: begin -->\n).*(<!-- measured: end -->)/s, (_, begin, end) => `${begin}\`\`\`\n${tables}\n\`\`\`\n${end}`))
}

function read (name) {
  return readFileSync(fileURLToPath(new URL(name, import.meta.url)), 'utf8')
}

function write (name, text) {
  writeFileSync(fileURLToPath(new URL(name, import.meta.url)), text)
}
