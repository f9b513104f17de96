// A server under measurement: a process pinned to its processor, asked whether
// it answers rightly before anything is timed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, closeSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import * as cores from './cores.mjs'
import { ask } from './load/ask.mjs'

const START_LIMIT = 60_000
const STOP_LIMIT = 15_000
/** Of /proc/PID/stat; Linux shows it as 100 everywhere. */
const TICKS_PER_SECOND = 100

export class Server {
  #child
  #log

  constructor ({ name, child, log, port, ca }) {
    Object.assign(this, { name, port, ca, pid: child.pid })
    this.#child = child
    this.#log = log
  }

  /** Milliseconds of processor time so far, of all threads. */
  get processorTime () {
    // the second field, the name, may hold spaces
    const fields = readFileSync(`/proc/${this.pid}/stat`, 'utf8').split(') ')[1].split(' ')
    const [user, system] = [fields[11], fields[12]].map(Number)
    return (user + system) * 1000 / TICKS_PER_SECOND
  }

  /** Resident bytes. */
  get residentMemory () {
    const [, kilobytes] = readFileSync(`/proc/${this.pid}/status`, 'utf8').match(/^VmRSS:\s*(\d+) kB$/m)
    return Number(kilobytes) * 1024
  }

  signal (signal) {
    process.kill(this.pid, signal)
  }

  async stop () {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => { this.#child.kill('SIGKILL') }, STOP_LIMIT)
    await gone
    clearTimeout(timer)
  }

  /**
   * Whoever answers fast and wrong is no peer.
   * @param expected `[token, username]`: who bears it, undefined where nobody may
   * @throws Error that names the server, what it said, and the end of its log
   */
  async check (expected, protocols = ['h2', 'http/1.1']) {
    for (const protocol of protocols) {
      for (const [token, username] of expected) {
        const answer = await ask(this, token, protocol)
        const right = answer.status === 200 && answer.body.apiVersion === 'authentication.k8s.io/v1beta1' &&
          answer.body.status.authenticated === (username !== undefined) && answer.body.status.user?.username === username
        if (!right) throw new Error(`${this.name} answers wrongly over ${protocol}: ${answer.status} ${JSON.stringify(answer.body)}${this.lastWords()}`)
      }
    }
  }

  async #answers (protocol) {
    const started = performance.now()
    while (performance.now() - started < START_LIMIT) {
      if (this.#child.exitCode !== null) throw new Error(`${this.name} ended with code ${this.#child.exitCode}${this.lastWords()}`)
      try {
        return await ask(this, 'anybody', protocol)
      } catch (error) {
        if (error.code !== 'ECONNREFUSED') throw error
        await delay(5)
      }
    }
    throw new Error(`${this.name} does not answer${this.lastWords()}`)
  }

  lastWords () {
    return `\n${readFileSync(this.#log, 'utf8').slice(-2000)}`
  }

  /**
   * @param command a function of the port that gives `[command, arguments]`
   * @param check `[expected, protocols]` of {@link check}
   */
  static async start ({ name, command, env, world, processors = cores.SERVER, check: [expected, protocols] }) {
    const { child, log, port } = await spawnServer({ name, command, env, world, processors })
    const server = new Server({ name, child, log, port, ca: world.ca })
    world.servers.push(server)
    await server.#answers(protocols?.[0] ?? 'h2')
    await server.check(expected, protocols)
    return server
  }
}

/** Its log goes to a file, as it would to a container's; nobody reads it meanwhile. */
export async function spawnServer ({ name, command, env, world, processors = cores.SERVER }) {
  const port = await freePort()
  const log = join(world.dir, `${name}-${port}.log`)
  const output = openSync(log, 'a')
  const child = spawn(...pinnedCommand(processors, command(port)), { stdio: ['ignore', output, output], env: { ...process.env, ...env } })
  closeSync(output)
  return { child, log, port }
}

function pinnedCommand (processors, [command, args]) {
  return cores.pinned(processors, command, args)
}

async function freePort () {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  await once(probe, 'close')
  return port
}
