// A server under measurement: a process pinned to its processor, asked whether
// it answers rightly before anything is timed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import * as cores from './cores.mjs'
import { ask } from './load/ask.mjs'

const START_LIMIT = 60_000
const STOP_LIMIT = 15_000

export class Server {
  #child
  #expected
  #protocols

  /**
   * @param command of `[executable, arguments]`
   * @param expected `[token, username]`: who bears it, undefined where nobody may
   * @param log file for what it prints, as a container's output goes to one; nobody reads it meanwhile
   */
  constructor ({ name, command, env, processors = cores.SERVER, port, ca, log, expected, protocols = ['h2', 'http/1.1'] }) {
    const output = openSync(log, 'a')
    this.#child = spawn(...cores.pinned(processors, ...command), { stdio: ['ignore', output, output], env: { ...process.env, ...env } })
    closeSync(output)
    this.log = log
    this.#expected = expected
    this.#protocols = protocols
    this.name = name
    this.port = port
    this.ca = ca
    this.pid = this.#child.pid
  }

  /** Until the first answer, a right one. */
  async ready () {
    const started = performance.now()
    for (;;) {
      if (this.#child.exitCode !== null) throw new Error(`${this.name} ended with code ${this.#child.exitCode}${this.lastWords()}`)
      if (performance.now() - started > START_LIMIT) throw new Error(`${this.name} does not answer${this.lastWords()}`)
      try {
        return await this.#checkAnswer(this.#expected[0], this.#protocols[0])
      } catch (error) {
        if (error.code !== 'ECONNREFUSED') throw error
        await delay(1)
      }
    }
  }

  /**
   * A server that answers fast and wrong is no peer.
   * @throws Error that names the server, what it said, and the end of its log
   */
  async check () {
    for (const protocol of this.#protocols) {
      for (const expected of this.#expected) await this.#checkAnswer(expected, protocol)
    }
  }

  async #checkAnswer ([token, username], protocol) {
    const { status, body } = await ask(this, token, protocol)
    const right = status === 200 && body.apiVersion === 'authentication.k8s.io/v1beta1' && body.kind === 'TokenReview' &&
      body.status.authenticated === (username !== undefined) && body.status.user?.username === username
    if (!right) throw new Error(`${this.name} answers wrongly over ${protocol}: ${status} ${JSON.stringify(body)}${this.lastWords()}`)
  }

  /** Resident bytes. */
  get residentMemory () {
    const [, kilobytes] = readFileSync(`/proc/${this.pid}/status`, 'utf8').match(/^VmRSS:\s*(\d+) kB$/m)
    return Number(kilobytes) * 1024
  }

  /** The most resident bytes so far. */
  get peakMemory () {
    const [, kilobytes] = readFileSync(`/proc/${this.pid}/status`, 'utf8').match(/^VmHWM:\s*(\d+) kB$/m)
    return Number(kilobytes) * 1024
  }

  signal (signal) {
    this.#child.kill(signal)
  }

  /** The end of its log, for messages. */
  lastWords () {
    return `\n${readFileSync(this.log).subarray(-2000)}`
  }

  async stop () {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => { this.#child.kill('SIGKILL') }, STOP_LIMIT)
    await gone
    clearTimeout(timer)
  }
}

/** Spawns one without waiting for it. @param command a function of the port */
export async function spawnServer (world, { name, command, ...options }) {
  const port = await freePort()
  const server = new Server({ ...options, name, port, ca: world.ca, log: join(world.dir, `server-${port}.log`), command: command(port) })
  world.servers.add(server)
  return server
}

export async function startServer (world, options) {
  const server = await spawnServer(world, options)
  await server.ready()
  await server.check()
  return server
}

export async function freePort () {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  await once(probe, 'close')
  return port
}
