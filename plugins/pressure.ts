/**
 * Sheds reviews while this process is overloaded, before a body is read: a 429
 * makes the API server come back with backoff, so that a short stall is a
 * delay and not a denial. Never with `Retry-After`: the API server would wait
 * 30 s and ask 16 times.
 *
 * To be registered in the scope of the review route only: probes and metrics
 * must answer while it sheds.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { PressureConfig } from '../schemas/config.js'
import { milliseconds } from '../src/authn/duration.js'
import { OverloadedError } from '../src/errors.js'

/** Milliseconds between two samples of the event loop's delay. */
const RESOLUTION = 10
/** The longest time that a timer of Node.js takes: 24 days. */
const NEVER = 2 ** 31 - 1

export interface PressureOptions {
  readonly config: PressureConfig
  /** Called for each review that is refused; for metrics. */
  readonly onShed: () => void
  /** Milliseconds between two looks at event loop and heap. */
  readonly sampleInterval?: number
}

async function pressure (fastify: FastifyInstance, { config, onShed, sampleInterval = 1000 }: PressureOptions): Promise<void> {
  const { overloaded, close } = createMonitor(config)
  await fastify.register(underPressure, {
    // its own sampler reads the resident size from /proc, and throws inside its
    // timer, which ends the process, while no file can be opened
    sampleInterval: NEVER,
    healthCheck: async () => !overloaded(),
    healthCheckInterval: sampleInterval,
    // its `customError` would add Retry-After; an error from here doesn't
    async pressureHandler () {
      onShed()
      throw new OverloadedError()
    }
  })
  fastify.addHook('onClose', async () => { close() })
}

/** Looks at what needs no file: the delay of the event loop since the last look, and the heap. */
function createMonitor (config: PressureConfig): { overloaded: () => boolean, close: () => void } {
  const maxDelay = milliseconds(config.maxEventLoopDelay)
  const maxHeapUsed = config.maxHeapUsedRatio * getHeapStatistics().heap_size_limit
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION })
  delays.enable()
  let last = performance.now()
  return {
    overloaded () {
      // without a sample the event loop was blocked since the last look
      const delay = delays.count > 0 ? delays.mean / 1e6 - RESOLUTION : performance.now() - last
      last = performance.now()
      delays.reset()
      return delay > maxDelay || getHeapStatistics().used_heap_size > maxHeapUsed
    },
    close () { delays.disable() }
  }
}

export default fp(pressure, { name: 'pressure' })
