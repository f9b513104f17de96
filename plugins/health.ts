/**
 * Liveness and readiness probes. Readiness depends only on this process: the
 * listeners, the serving certificate, shutdown. It never depends on a directory,
 * whose outage would otherwise take down static users and cached answers too.
 */
import fp from 'fastify-plugin'
import type { FastifyInstance } from 'fastify'

declare module 'fastify' {
  interface FastifyInstance {
    readiness: Readiness
  }
}

/** @returns the problem, or `undefined`. Synchronous: a probe must not wait. */
export type ReadinessCheck = () => string | undefined

/** The process is ready if every readiness check passes. */
export class Readiness {
  readonly #checks = new Map<string, ReadinessCheck>()
  readonly #information = new Map<string, () => Promise<string | undefined>>()
  #draining = false

  constructor () {
    this.add('shutdown', () => this.#draining ? 'shutting down' : undefined)
  }

  add (name: string, check: ReadinessCheck): void {
    this.#checks.set(name, check)
  }

  /** Adds a check that `?verbose` lists, and that does not affect readiness. */
  inform (name: string, check: () => Promise<string | undefined>): void {
    this.#information.set(name, check)
  }

  /** Makes the process unready until it ends. */
  drain (): void {
    this.#draining = true
  }

  get ready (): boolean {
    return [...this.#checks.values()].every(check => check() === undefined)
  }

  /** @returns a line per check, in the format of the API server's `/readyz?verbose` */
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

/** The probes: routes of the admin listener, or of the review listener if there is no other. */
export async function healthRoutes (fastify: FastifyInstance, { readiness }: HealthRoutesOptions): Promise<void> {
  const live = async (): Promise<string> => 'ok'
  fastify.get('/livez', live)
  fastify.get('/healthz', live)
  fastify.get<{ Querystring: { verbose?: string } }>('/readyz', async (request, reply) => {
    reply.code(readiness.ready ? 200 : 503).type('text/plain; charset=utf-8')
    if (request.query.verbose !== undefined) return await readiness.report()
    return readiness.ready ? 'ok' : 'not ready: see /readyz?verbose'
  })
}
