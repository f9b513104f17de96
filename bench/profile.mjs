// Where a review's time goes: the service under h2load with V8's sampling profiler
// on, its samples by whose code they fell in, and the functions that took most.
// From dist, where every package is still a package.
//
// usage: node bench/profile.mjs
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pinThisProcess } from './cores.mjs'
import { h2load } from './load/h2load.mjs'
import * as peers from './peers.mjs'
import { startServer } from './server.mjs'
import { createWorld } from './world.mjs'

const WARM_UP = 30_000
const REVIEWS = 200_000
const TOP = 20

/** Whose code, by the address of the file; the first that matches. */
const OWNERS = [
  ['collecting garbage', ({ functionName }) => functionName === '(garbage collector)'],
  ['authn-webhook', ({ url }) => /\/dist\/(src|plugins|schemas)\//.test(url)],
  ['Fastify and its packages', ({ url }) => url.includes('/node_modules/')],
  ['Node.js: HTTP/2, streams, TLS', ({ url }) => /^node:(internal\/(http2|streams|stream_base|js_stream)|_http|net|_tls|events)/.test(url)],
  ['Node.js: the rest', ({ url }) => url.startsWith('node:')],
  ['native code and system calls', () => true]
]

pinThisProcess()
const world = await createWorld({ node: process.execPath })
try {
  const peer = peers.service({ ...world, cli: fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url)) }, {
    options: ['--cpu-prof', '--cpu-prof-interval=200', `--cpu-prof-dir=${world.dir}`]
  })
  const server = await startServer(world, peer)
  for (const requests of [WARM_UP, REVIEWS]) await h2load(server, { shape: 'h2 × 1', body: world.bodies.short, requests })
  // it writes the profile when it ends
  await server.stop()
  const [file] = readdirSync(world.dir).filter(name => name.endsWith('.cpuprofile'))
  print(samplesOf(JSON.parse(readFileSync(join(world.dir, file), 'utf8'))))
} finally {
  await world.close()
}

/** `[frame, microseconds]` of each sample after the start and the warm-up in which the thread had something to do. */
function samplesOf ({ nodes, samples, timeDeltas }) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const from = Math.floor(samples.length * (1 - REVIEWS / (REVIEWS + 2 * WARM_UP)))
  return samples.slice(from).map((id, index) => [frames.get(id), timeDeltas[from + index]]).filter(([{ functionName }]) => functionName !== '(idle)')
}

function print (samples) {
  const share = summed(samples, frame => OWNERS.find(([, isOwner]) => isOwner(frame))[0])
  const top = summed(samples, nameOf)
  console.log([...table(share), '', ...table(top.slice(0, TOP))].join('\n'))
}

function summed (samples, keyOf) {
  const total = samples.reduce((sum, [, time]) => sum + time, 0)
  const sums = new Map()
  for (const [frame, time] of samples) {
    const key = keyOf(frame)
    sums.set(key, (sums.get(key) ?? 0) + time)
  }
  return [...sums].map(([key, time]) => [key, time / total]).sort(([, a], [, b]) => b - a)
}

function nameOf ({ functionName, url, lineNumber }) {
  const file = url.replace(/^file:.*\/(node_modules|dist)\//, '')
  return `${functionName || '(anonymous)'}${file === '' ? '' : `  ${file}:${lineNumber + 1}`}`
}

function table (shares) {
  return shares.map(([key, part]) => `${(part * 100).toFixed(1).padStart(5)} %  ${key}`)
}
