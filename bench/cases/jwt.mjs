// JSON Web Tokens: what it costs to verify one, to find its answer in the cache,
// and to leave those of unknown issuers to the next provider; and what the length of a
// token costs by itself.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { jwtVerify } from 'jose'
import { ALGORITHM, AUDIENCE, createIssuer } from '../issuer.mjs'
import { generate } from '../load/generate.mjs'
import { h2load } from '../load/h2load.mjs'
import { PASSWORD_TOKEN, PASSWORD_USER, reviewOf, SHORT_TOKEN, TOKEN_USER } from '../people.mjs'
import * as peers from '../peers.mjs'
import { quietly } from '../quiet.mjs'
import { inRounds } from '../rounds.mjs'
import { startServer } from '../server.mjs'
import { configOf } from '../world.mjs'

const IN_FLIGHT = 32

export async function jwt (bench) {
  const { world, plan, say } = bench
  say('signing tokens')
  const [issuer, stranger] = [await createIssuer('https://issuer.example.com'), await createIssuer('https://unknown.example.com')]
  const tokens = { ours: await issuer.sign(plan.jwts), strangers: await stranger.sign(plan.freshJwts) }
  const discovery = await startDiscovery()
  const config = world.write('jwt.yaml', configOf(...providers(world, issuer, discovery.url)))
  const service = await startServer(world, peers.service(world, {
    config,
    expected: [
      [tokens.ours[0], `sso:${TOKEN_USER.username}`],
      [SHORT_TOKEN, `file:${TOKEN_USER.username}`],
      [PASSWORD_TOKEN, `file:${PASSWORD_USER.username}`],
      [tokens.strangers[0], undefined]
    ]
  }))

  await lengths(bench)
  await cached(bench, service, tokens.ours[0])
  await freshTokens(bench, 'fresh JWTs', service, issuer, tokens.ours)
  await unknown(bench, service, tokens.strangers, discovery)
  discovery.close()
  await world.stopServers()
}

/** One issuer whose keys are in a file, one whose keys need a request; and the users file. */
function providers (world, { url, jwks }, discoveryURL) {
  world.write('jwks.json', JSON.stringify(jwks))
  const mappings = 'claimMappings: { username: { claim: sub, prefix: "" }, groups: { claim: groups, prefix: "" } }'
  const issuers = [
    `{ issuer: { url: "${url}", audiences: [${AUDIENCE}] }, jwksFile: jwks.json, ${mappings} }`,
    `{ issuer: { url: "${discoveryURL}", audiences: [${AUDIENCE}] }, ${mappings} }`
  ]
  return [`{ name: sso, kind: jwt, usernamePrefix: "sso:", groupPrefix: "sso:", config: { issuers: [${issuers.join(', ')}] } }`, '{ name: static, kind: static, usernamePrefix: "file:", groupPrefix: "file:", config: { usersFile: users.yaml } }']
}

/** Where a request would go: counts connections, and answers none. */
async function startDiscovery () {
  let connections = 0
  const server = createServer(socket => {
    connections++
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `https://127.0.0.1:${server.address().port}`, connections: () => connections, close: () => { server.close() } }
}

async function lengths (bench) {
  const { world } = bench
  const service = await startServer(world, peers.service(world))
  await ofOneToken(bench, 'length of opaque tokens', service, { '68 bytes': world.bodies.short, '1.2 kB': world.bodies.long })
}

async function cached (bench, service, token) {
  const { bodies, write } = bench.world
  await ofOneToken(bench, 'cached JWT', service, { JWT: write('jwt.json', reviewOf(token)), password: bodies.password })
}

/** @param bodies reviews of one token each, by subject */
export async function ofOneToken (bench, work, service, bodies) {
  const { plan, spare } = bench
  const load = async (body, requests) => await h2load(service, { shape: 'h2 × 1', body, requests })
  for (const body of Object.values(bodies)) await load(body, plan.warmUp)
  await inRounds(bench, work, Object.entries(bodies).map(([subject, body]) => [subject, async () => await quietly(spare, service, async () => await load(body, 2 * plan.warmUp))]))
}

/** Tokens that come once, beside an opaque one and the bare verification. */
export async function freshTokens (bench, work, service, issuer, tokens) {
  const { world, plan, spare } = bench
  const count = plan.freshJwts
  const files = { tokens: world.write('tokens', tokens.join('\n')), opaque: world.write('opaque', SHORT_TOKEN) }
  let used = 0
  const next = () => {
    const first = used % tokens.length
    used += count
    return first
  }
  const load = async (file, first = 0) => await generate('listed-tokens', service, { file, first, requests: count })
  const bare = async first => await verify(issuer, Array.from({ length: count }, (_, i) => tokens[(first + i) % tokens.length]))
  await load(files.tokens, next())
  await load(files.opaque)
  await bare(next())
  await inRounds(bench, work, [
    ['service', async () => await quietly(spare, service, async () => await load(files.tokens, next()))],
    ['opaque', async () => await quietly(spare, service, async () => await load(files.opaque))],
    ['jose.jwtVerify', async () => await quietly(spare, undefined, async () => await bare(used % tokens.length))]
  ])
}

/** What jose needs, in this process, with as many tokens at once as the service has. */
async function verify ({ publicKey, url }, tokens) {
  const before = process.cpuUsage()
  let next = 0
  await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
    while (next < tokens.length) await jwtVerify(tokens[next++], publicKey, { algorithms: [ALGORITHM], issuer: url, audience: AUDIENCE, requiredClaims: ['exp', 'sub'] })
  }))
  const { user, system } = process.cpuUsage(before)
  return { processorTime: (user + system) / tokens.length }
}

async function unknown (bench, service, strangers, discovery) {
  const { world, spare } = bench
  const opaque = length => strangers.map((_, number) => `${String(number).padStart(8, '0')}${'5f0c9e7d2b4a8163'.repeat(length / 16 + 1)}`.slice(0, length)).join('\n')
  const files = {
    'unknown issuer': world.write('strangers', strangers.join('\n')),
    'opaque, as long': world.write('opaque-long', opaque(strangers[0].length)),
    'opaque, 68 bytes': world.write('opaque-short', opaque(SHORT_TOKEN.length))
  }
  const load = async file => await generate('listed-tokens', service, { file, requests: strangers.length, authenticated: false })
  for (const file of Object.values(files)) await load(file)
  const connections = discovery.connections()
  await inRounds(bench, 'denials', Object.entries(files).map(([subject, file]) => [subject, async () => await quietly(spare, service, async () => await load(file))]))
  if (discovery.connections() !== connections) throw new Error('a token of an unknown issuer caused a request')
}
