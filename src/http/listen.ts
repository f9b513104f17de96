/** Opens a listener, by default on all addresses of the machine. */
import type { FastifyInstance } from 'fastify'
import { ListenError, codeOf } from '../errors.js'

/** `::` is both address families; the second is for kernels without IPv6. */
const ANY_ADDRESS = ['::', '0.0.0.0']
const NO_SUCH_ADDRESS = ['EAFNOSUPPORT', 'EADDRNOTAVAIL']

export interface Endpoint {
  /** Default: all addresses. */
  readonly host?: string | undefined
  readonly port: number
}

/**
 * @param name field of the config
 * @throws ListenError
 */
export async function openListener (fastify: Pick<FastifyInstance, 'listen'>, name: 'server' | 'admin' | 'login', { host, port }: Endpoint, anyAddress = ANY_ADDRESS): Promise<void> {
  const candidates = host === undefined ? anyAddress : [host]
  for (const [index, candidate] of candidates.entries()) {
    try {
      await fastify.listen({ host: candidate, port })
      return
    } catch (error) {
      if (index < candidates.length - 1 && NO_SUCH_ADDRESS.includes(codeOf(error) ?? '')) continue
      throw new ListenError(name, candidate, port, error)
    }
  }
}
