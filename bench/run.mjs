// Measures this service beside its peers and beside the limit, on one machine in
// one run; README.md says how. Ends with 1 where a bar is missed by more than its
// noise.
//
// usage: npm run bench -- [--smoke] [--install] [--only CASE]… [--output DIR]
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { judge } from './bars.mjs'
import { throughput } from './cases/throughput.mjs'
import { pinThisProcess } from './cores.mjs'
import { barTable, figureTables } from './report.mjs'
import { buildGoPeer, fetchNode24, requirePackages } from './tools.mjs'
import { createWorld } from './world.mjs'

const CASES = { throughput }
const RESULTS = fileURLToPath(new URL('results', import.meta.url))

/** How much of everything: enough to judge, or just enough to see that it works. */
const FULL = { rounds: 5, window: 1.25, warmUp: 15_000, bcryptReviews: 24 }
const SMOKE = { rounds: 1, window: 0.3, warmUp: 500, bcryptReviews: 4 }

const { values: { smoke, install, only, output } } = parseArgs({
  options: {
    smoke: { type: 'boolean', default: false },
    install: { type: 'boolean', default: process.env.CI === 'true' },
    only: { type: 'string', multiple: true, default: Object.keys(CASES) },
    output: { type: 'string' }
  }
})

const started = performance.now()
requirePackages({ h2load: 'nghttp2-client', go: 'golang-go', taskset: 'util-linux' }, install)
const tools = { go: buildGoPeer(), node24: fetchNode24() }
pinThisProcess()

const samples = []
const world = await createWorld()
const bench = {
  world,
  tools,
  plan: smoke ? SMOKE : FULL,
  record: (work, subject, round, figures) => {
    if (figures.processorTime !== undefined) figures = { ...figures, speed: 1e6 / figures.processorTime }
    samples.push({ work, subject, round, ...figures })
  },
  say: what => { console.error(`== ${((performance.now() - started) / 1000).toFixed(0).padStart(3)} s  ${what}`) },
  async stopServers () {
    await Promise.all(world.servers.splice(0).map(async server => { await server.stop() }))
  }
}
try {
  for (const name of only) {
    const run = CASES[name]
    if (run === undefined) throw new Error(`--only takes one of ${Object.keys(CASES).join(', ')}`)
    await run(bench)
  }
} finally {
  await world.close()
}

const bars = judge(samples)
const seconds = Math.round((performance.now() - started) / 1000)
console.log(`\n${figureTables(samples)}\n\n${barTable(bars)}\n\n${seconds} s`)
const folder = output ?? (smoke || only.length < Object.keys(CASES).length ? undefined : RESULTS)
if (folder !== undefined) {
  const result = {
    date: new Date().toISOString(),
    seconds,
    machine: { processor: cpus()[0].model, processors: cpus().length },
    versions: { node: process.version, node24: tools.node24.version, go: tools.go.version },
    plan: bench.plan,
    bars,
    samples
  }
  writeFileSync(join(folder, 'latest.json'), `${JSON.stringify(result, null, 2)}\n`)
}
if (!smoke && bars.some(({ verdict }) => verdict === 'missed')) process.exitCode = 1
