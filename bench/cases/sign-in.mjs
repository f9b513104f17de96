// The sign-in service behind a proxy: what the page costs that asks for a password,
// and the memory that sign-ins hold which nobody ends.
import { Agent, request } from 'node:http'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createSigningKey } from '../../dist/src/session-keys/key-directory.js'
import * as peers from '../peers.mjs'
import { quietly } from '../quiet.mjs'
import { inRounds } from '../rounds.mjs'
import { freePort, startServer } from '../server.mjs'
import { configOf } from '../world.mjs'

const ISSUER = 'https://login.example.com'
const CLIENT = 'production'
const PROVIDER = '{ name: static, kind: static, config: { usersFile: users.yaml } }'
const IN_FLIGHT = 8
const STEPS = 4

export async function signIn (bench) {
  const { world, plan, spare } = bench
  const login = await startSignIn(world)
  const page = await openPage(login)
  const bytes = await sizeOf(login, page)
  await times(plan.pages, async () => { await openPage(login) })
  await inRounds(bench, 'sign-in page', [['service', async () => ({ bytes, ...await quietly(spare, login.server, async () => await openPages(login, plan.pages)) })]])
  await abandon(bench, login)
  await world.stopServers()
}

/** @param usersFile its name, in the directory of the world */
export async function startSignIn (world, provider = PROVIDER) {
  const keys = join(world.dir, 'keys')
  mkdirSync(keys, { recursive: true })
  const { certFile, keyFile } = await createSigningKey(keys)
  const port = await freePort()
  const section = { issuer: ISSUER, host: '127.0.0.1', port, trustedProxies: ['127.0.0.1'], signingKeys: [{ certFile, keyFile }], clients: [{ id: CLIENT, grants: ['authorizationCode', 'password'] }] }
  const config = world.write('login.yaml', `${configOf(provider)}login: ${JSON.stringify(section)}\n`)
  const server = await startServer(world, peers.service(world, { config, ...provider !== PROVIDER && { expected: [['nobody', undefined]] } }))
  return { server, port, agent: new Agent({ keepAlive: true, maxSockets: IN_FLIGHT }), people: 0 }
}

/** As a browser that comes from a client: the authorization endpoint, and the page to which it redirects. */
async function openPage (login) {
  const query = new URLSearchParams({
    client_id: CLIENT,
    response_type: 'code',
    scope: 'openid groups',
    redirect_uri: 'http://127.0.0.1:18000/callback',
    state: '5f0c9e7d2b4a8163',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256'
  })
  const from = addressOf(login.people++)
  const { status, headers } = await send(login, 'GET', `/auth?${query}`, { from })
  if (status !== 303) throw new Error(`/auth answers with ${status}${login.server.lastWords()}`)
  const cookie = headers['set-cookie'].map(line => line.split(';')[0]).join('; ')
  const page = await send(login, 'GET', new URL(headers.location, ISSUER).pathname, { from, cookie })
  if (page.status !== 200 || !page.text.includes('name="password"')) throw new Error(`the page asks for no password: ${page.status}${login.server.lastWords()}`)
  return page
}

async function openPages (login, requests) {
  const began = performance.now()
  await times(requests, async () => { await openPage(login) })
  return { requests, seconds: (performance.now() - began) / 1000 }
}

/** With the style sheet and the script that it loads. */
async function sizeOf (login, { text }) {
  const assets = [...text.matchAll(/(?:href|src)="([^"]+\.(?:css|js|svg))"/g)].map(([, path]) => path)
  const bodies = await Promise.all(assets.map(async path => (await send(login, 'GET', path, { from: addressOf(0) })).text))
  return [text, ...bodies].reduce((sum, body) => sum + Buffer.byteLength(body), 0)
}

/** Each from an address of its own, or the service would refuse them. */
async function abandon ({ plan, record, say }, login) {
  const steps = []
  for (let step = 0; step < STEPS; step++) {
    say(`${plan.abandoned / STEPS} abandoned sign-ins, step ${step + 1} of ${STEPS}`)
    await times(plan.abandoned / STEPS, async () => { await openPage(login) })
    steps.push(login.server.residentMemory)
  }
  steps.forEach((resident, round) => { record('abandoned sign-ins', 'service', round, { resident }) })
}

async function times (count, work) {
  let left = count
  await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
    while (left-- > 0) await work()
  }))
}

/** @returns `{ status, headers, text }` */
export async function send ({ port, agent }, method, path, { from, cookie, form } = {}) {
  const headers = { 'x-forwarded-for': from, accept: form ? 'application/json' : 'text/html', ...cookie && { cookie }, ...form && { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(form) } }
  const call = request({ host: '127.0.0.1', port, agent, method, path, headers }).end(form)
  const [response] = await once(call, 'response')
  const chunks = []
  for await (const chunk of response) chunks.push(chunk)
  return { status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() }
}

/** Of one person out of millions. */
export function addressOf (number) {
  return `10.${number >> 16 & 255}.${number >> 8 & 255}.${number & 255}`
}
