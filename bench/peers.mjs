// Who is measured, and how each is started. Limit and peers run as their authors
// would run them: Node.js without options, Go with its defaults but the number of
// processors.
import { fileURLToPath } from 'node:url'
import * as cores from './cores.mjs'
import { LONG_TOKEN, PASSWORD_TOKEN, PASSWORD_USER, SHORT_TOKEN, TOKEN_USER } from './people.mjs'
import { Server } from './server.mjs'

const CLI = fileURLToPath(new URL('../dist/src/cli.js', import.meta.url))
const peer = name => fileURLToPath(new URL(`peers/${name}.mjs`, import.meta.url))

/** As `npm start` and the Dockerfile run the service; test/bench.test.ts holds the three together. */
export const NODE_OPTIONS = ['--max-semi-space-size=4', '--heap-growing-percent=50', '--no-maglev']
export const NODE_ENV = { MALLOC_ARENA_MAX: '1', NODE_ENV: 'production' }

const EVERYBODY = [['anybody', TOKEN_USER.username]]
const STATIC_USERS = [
  [LONG_TOKEN, TOKEN_USER.username],
  [SHORT_TOKEN, TOKEN_USER.username],
  [PASSWORD_TOKEN, PASSWORD_USER.username],
  [`${LONG_TOKEN}x`, undefined]
]

/** `authn-webhook serve`, everything on, with a config of `world`. */
export async function startService (world, { name = 'service', node = process.execPath, config = world.config, nodeOptions = [], check = [STATIC_USERS] } = {}) {
  return await Server.start({
    name,
    world,
    env: NODE_ENV,
    command: port => [node, [...NODE_OPTIONS, ...nodeOptions, CLI, 'serve', '--config', config, '--port', String(port)]],
    check
  })
}

export async function startLimit (world, { protocol, name = 'limit', node = process.execPath }) {
  return await startNode(world, { name, node, script: peer('limit'), args: [protocol], check: [EVERYBODY, [protocol === 'h2' ? 'h2' : 'http/1.1']] })
}

export async function startGo (world, { processors, binary }) {
  return await Server.start({
    name: `go, ${processors} processor${processors === 1 ? '' : 's'}`,
    world,
    env: { GOMAXPROCS: String(processors) },
    processors: processors === 1 ? cores.SERVER : cores.BOTH,
    command: port => [binary, [String(port), world.certFile, world.keyFile]],
    check: [EVERYBODY]
  })
}

export async function startExpress (world) {
  return await startNode(world, { name: 'express', script: peer('express'), check: [EVERYBODY, ['http/1.1']] })
}

export async function startFastify (world, { nodeOptions = [], env = {} } = {}) {
  return await startNode(world, { name: 'fastify', script: peer('fastify'), nodeOptions, env, check: [EVERYBODY] })
}

export async function startBcrypt (world) {
  return await startNode(world, { name: 'bcrypt', script: peer('bcrypt'), check: [[[PASSWORD_TOKEN, PASSWORD_USER.username], [Buffer.from('sasha:wrong').toString('base64'), undefined]], ['h2']] })
}

async function startNode (world, { name, node = process.execPath, script, args = [], nodeOptions = [], env = {}, check }) {
  return await Server.start({
    name,
    world,
    env: { NODE_ENV: 'production', ...env },
    command: port => [node, [...nodeOptions, script, ...args, String(port), world.certFile, world.keyFile]],
    check
  })
}
