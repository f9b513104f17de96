/**
 * Liveness and readiness. Readiness speaks of this process alone: listeners,
 * loaded files, the certificate, draining. It never asks a directory, whose
 * outage would otherwise take the static users and the cache down with it.
 */
import fp from 'fastify-plugin'
import type { FastifyInstance } from 'fastify'

declare module 'fastify' {
  interface FastifyInstance {
    readiness: Readiness
  }
}

/** What is wrong, or `undefined`. Synchronous: a probe must not wait. */
export type Check = () => string | undefined

/** Named checks; one that fails makes the process unready. */
export class Readiness {
  readonly #checks = new Map<string, Check>()
  readonly #information = new Map<string, () => Promise<string | undefined>>()
  #draining = false

  constructor () {
    this.add('shutdown', () => this.#draining ? 'shutting down' : undefined)
  }

  add (name: string, check: Check): void {
    this.#checks.set(name, check)
  }

  /** Shown by `?verbose`, never decides. */
  inform (name: string, check: () => Promise<string | undefined>): void {
    this.#information.set(name, check)
  }

  /** From here on unready, for good. */
  drain (): void {
    this.#draining = true
  }

  get ready (): boolean {
    return [...this.#checks.values()].every(check => check() === undefined)
  }

  /** One line a check, in the form of the API server's own `/readyz?verbose`. */
  async report (): Promise<string> {
    const lines = [...this.#checks].map(([name, check]) => line(name, check()))
    const information = [...this.#information].map(async ([name, check]) => `${line(name, await check())} (information only)`)
    return [...lines, ...await Promise.all(information), `readyz check ${this.ready ? 'passed' : 'failed'}`, ''].join('\n')
  }
}

function line (name: string, problem: string | undefined): string {
  return problem === undefined ? `[+]${name} ok` : `[-]${name} failed: ${problem}`
}

async function health (fastify: FastifyInstance): Promise<void> {
  fastify.decorate('readiness', new Readiness())
}

export default fp(health, { name: 'health' })

export interface HealthRoutesOptions {
  readonly readiness: Readiness
}

/** The probes, on whichever listener they belong to. */
export async function healthRoutes (fastify: FastifyInstance, { readiness }: HealthRoutesOptions): Promise<void> {
  const live = async (): Promise<string> => 'ok'
  fastify.get('/livez', live)
  fastify.get('/healthz', live)
  fastify.get<{ Querystring: { verbose?: string } }>('/readyz', async (request, reply) => {
    reply.code(readiness.ready ? 200 : 503).type('text/plain; charset=utf-8')
    if (request.query.verbose !== undefined) return await readiness.report()
    return readiness.ready ? 'ok' : 'not ready; /readyz?verbose tells why'
  })
}
