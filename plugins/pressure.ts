/**
 * Sheds reviews while this process is overloaded, before their body is read. On a
 * 429 the API server retries with backoff, so that a short stall is a delay and
 * not a denial. Without `Retry-After`, because the API server would wait 30 s
 * and retry 16 times.
 *
 * Must be registered in the scope of the review route only: probes and metrics
 * are answered even under overload.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { PressureConfig } from '../schemas/config.js'
import { LONGEST_TIMER } from '../src/authn/deadline.js'
import { milliseconds } from '../src/authn/duration.js'
import { OverloadedError } from '../src/errors.js'

/** Milliseconds between two measurements of the event loop delay. */
const RESOLUTION = 10
export interface PressureOptions {
  readonly config: PressureConfig
  /** Called for each review that is shed. */
  readonly onShed: () => void
  /** Milliseconds between two samples of event loop and heap. */
  readonly sampleInterval?: number
}

async function pressure (fastify: FastifyInstance, { config, onShed, sampleInterval = 1000 }: PressureOptions): Promise<void> {
  const { overloaded, close } = createMonitor(config)
  await fastify.register(underPressure, {
    // effectively disabled: its own sampler opens a file in /proc, and while
    // that fails, it throws inside a timer, which ends the process
    sampleInterval: LONGEST_TIMER,
    healthCheck: async () => !overloaded(),
    healthCheckInterval: sampleInterval,
    // `customError` would add Retry-After
    async pressureHandler () {
      onShed()
      throw new OverloadedError()
    }
  })
  fastify.addHook('onClose', async () => { close() })
}

/** Samples the event loop delay since the last sample, and the heap; neither needs a file. */
function createMonitor (config: PressureConfig): { overloaded: () => boolean, close: () => void } {
  const maxDelay = milliseconds(config.maxEventLoopDelay)
  const maxHeapUsed = config.maxHeapUsedRatio * getHeapStatistics().heap_size_limit
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION })
  delays.enable()
  let last = performance.now()
  return {
    overloaded () {
      // no measurement means that the event loop has been blocked since the last sample
      const delay = delays.count > 0 ? delays.mean / 1e6 - RESOLUTION : performance.now() - last
      last = performance.now()
      delays.reset()
      return delay > maxDelay || getHeapStatistics().used_heap_size > maxHeapUsed
    },
    close () { delays.disable() }
  }
}

export default fp(pressure, { name: 'pressure' })
