// Runs one of this folder's loads as a process of its own, on the load's processor:
// a script that takes its order as JSON in an argument and prints its result as JSON.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import * as cores from '../cores.mjs'

export async function generate (script, server, order = {}) {
  return await run(script, server, order).result
}

/** A load that runs until it is stopped. @returns `{ full, stop }`: resolves when it says something on stderr; ends it and gives its result */
export function begin (script, server, order = {}) {
  const { child, result } = run(script, server, order)
  return {
    full: Promise.race([once(child.stderr, 'data'), result]),
    async stop () {
      child.kill('SIGTERM')
      return await result
    }
  }
}

function run (script, server, order) {
  const file = fileURLToPath(new URL(`${script}.mjs`, import.meta.url))
  const argument = JSON.stringify({ port: server.port, ca: server.ca.toString(), ...order })
  const child = spawn(...cores.pinned(cores.LOAD, process.execPath, [file, argument]), { stdio: ['ignore', 'pipe', 'pipe'] })
  return { child, result: resultOf(child, script, server) }
}

async function resultOf (child, script, server) {
  const [output, complaint, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  if (code !== 0) throw new Error(`the load ${script} on ${server.name} failed:\n${complaint}${server.lastWords()}`)
  return JSON.parse(output)
}
