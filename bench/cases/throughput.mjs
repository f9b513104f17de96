// As many reviews as a server answers: every body, every shape of connections,
// every peer, in turns.
import { h2load } from '../load/h2load.mjs'
import * as peers from '../peers.mjs'

export async function throughput (bench) {
  const { world, tools, plan } = bench
  const { bodies } = world
  const go = [await peers.startGo(world, { processors: 1, binary: tools.go.path }), await peers.startGo(world, { processors: 2, binary: tools.go.path })]
  const node24 = { node: tools.node24.path }
  const service = await peers.startService(world)
  const service24 = await peers.startService(world, { name: 'service, Node 24', ...node24 })
  const limit = await peers.startLimit(world, { protocol: 'h2' })
  const limit24 = await peers.startLimit(world, { protocol: 'h2', name: 'limit, Node 24', ...node24 })
  const http1Limit = await peers.startLimit(world, { protocol: 'h1' })
  const http1Limit24 = await peers.startLimit(world, { protocol: 'h1', name: 'limit, Node 24', ...node24 })

  await measure(bench, 'opaque, h2 × 1', [service, limit, ...go, service24, limit24], { shape: 'h2 × 1', body: bodies.short })
  await measure(bench, 'JWT-sized, h2 × 1', [service, limit, go[0]], { shape: 'h2 × 1', body: bodies.long })
  await measure(bench, 'opaque, h2 × 4', [service, limit, ...go], { shape: 'h2 × 4', body: bodies.short })
  await measure(bench, 'opaque, h1 × 32', [service, http1Limit, ...go, await peers.startExpress(world), service24, http1Limit24], { shape: 'h1 × 32', body: bodies.short })
  await measure(bench, 'passwords, h2 × 1', [
    service,
    { server: service, subject: 'service, opaque', body: bodies.short },
    // of its reviews none may be under way at the end: all of their work is counted
    { server: await peers.startBcrypt(world), amount: { requests: plan.bcryptReviews } }
  ], { shape: 'h2 × 1', body: bodies.password })
  await bench.stopServers()
}

/** Rounds in which every subject has its window; who begins changes from round to round. */
async function measure ({ plan, record, say }, work, subjects, load) {
  const windows = subjects.map(subject => ({ ...subject.server === undefined ? { server: subject } : subject }))
    .map(({ server, subject = server.name, amount, ...rest }) => ({ server, subject, amount, load: { ...load, ...rest } }))
  for (const { server, amount, load } of windows) await h2load(server, { ...load, ...amount ?? { requests: plan.warmUp } })
  for (let round = 0; round < plan.rounds; round++) {
    say(`${work}, round ${round + 1} of ${plan.rounds}`)
    const first = round % windows.length
    for (const { server, subject, amount, load } of [...windows.slice(first), ...windows.slice(0, first)]) {
      record(work, subject, round, await h2load(server, { ...load, ...amount ?? { seconds: plan.window } }))
    }
  }
}
