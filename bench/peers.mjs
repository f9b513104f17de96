// Who is measured, and how each is started. Limit and peers run as their authors
// would run them: Node.js without options, Go with its defaults but the number of
// processors. Bare Fastify, which is there to be compared in memory and start-up,
// has the options of the service.
import { fileURLToPath } from 'node:url'
import * as cores from './cores.mjs'
import { SERVICE_ENV, SERVICE_OPTIONS } from './options.mjs'
import { LONG_TOKEN, PASSWORD_TOKEN, PASSWORD_USER, SHORT_TOKEN, TOKEN_USER } from './people.mjs'

const script = name => fileURLToPath(new URL(`peers/${name}.mjs`, import.meta.url))

/** Peers that look at no token take everybody for the same user. */
const EVERYBODY = [['anybody', TOKEN_USER.username]]
const WRONG_PASSWORD = Buffer.from(`${PASSWORD_USER.username}:wrong`).toString('base64')
const STATIC_USERS = [
  [SHORT_TOKEN, TOKEN_USER.username],
  [LONG_TOKEN, TOKEN_USER.username],
  [PASSWORD_TOKEN, PASSWORD_USER.username],
  [`${LONG_TOKEN}x`, undefined],
  [WRONG_PASSWORD, undefined]
]

/** `authn-webhook serve` as the image holds it, with everything on, and a config of the world. */
export function service (world, { name = 'service', node = world.node, config = world.config, options = [], expected = STATIC_USERS } = {}) {
  return {
    name,
    env: { NODE_ENV: 'production', ...SERVICE_ENV },
    command: port => [node, [...SERVICE_OPTIONS, ...options, world.cli, 'serve', '--config', config, '--port', String(port)]],
    expected
  }
}

/** @param protocol h2 or h1 */
export function limit (world, protocol, { name = 'limit', node = world.node } = {}) {
  return { ...nodePeer(world, 'limit', { name, node, args: [protocol] }), protocols: [protocol === 'h2' ? 'h2' : 'http/1.1'] }
}

export function go (world, processors) {
  return {
    name: processors === 1 ? 'go, 1 processor' : `go, ${processors} processors`,
    env: { GOMAXPROCS: String(processors) },
    processors: processors === 1 ? cores.SERVER : cores.BOTH,
    command: port => [world.goPeer, [String(port), world.certFile, world.keyFile]],
    expected: EVERYBODY
  }
}

export function express (world) {
  return { ...nodePeer(world, 'express'), protocols: ['http/1.1'] }
}

export function fastify (world) {
  return nodePeer(world, 'fastify', { options: SERVICE_OPTIONS, env: SERVICE_ENV })
}

export function bcrypt (world) {
  return { ...nodePeer(world, 'bcrypt'), protocols: ['h2'], expected: [[PASSWORD_TOKEN, PASSWORD_USER.username], [WRONG_PASSWORD, undefined]] }
}

function nodePeer (world, file, { name = file, node = world.node, options = [], args = [], env = {} } = {}) {
  return {
    name,
    env: { NODE_ENV: 'production', ...env },
    command: port => [node, [...options, script(file), ...args, String(port), world.certFile, world.keyFile]],
    expected: EVERYBODY
  }
}
