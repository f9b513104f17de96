/**
 * Sheds reviews while this process is drowning, before a body is read: a 429
 * makes the API server come back with backoff, so that a short stall is a
 * delay and not a denial. Never with `Retry-After`: the API server would wait
 * 30 s and ask 16 times.
 *
 * To be registered in the scope of the review route alone: probes and metrics
 * must answer while it sheds.
 */
import { getHeapStatistics } from 'node:v8'
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { PressureConfig } from '../schemas/config.js'
import { milliseconds } from '../src/authn/duration.js'
import { OverloadedError } from '../src/errors.js'

export interface PressureOptions {
  readonly config: PressureConfig
  /** Called for each review that is refused; for metrics. */
  readonly onShed: () => void
  /** Milliseconds between two looks at event loop and heap. */
  readonly sampleInterval?: number
}

async function pressure (fastify: FastifyInstance, { config, onShed, sampleInterval = 1000 }: PressureOptions): Promise<void> {
  await fastify.register(underPressure, {
    maxEventLoopDelay: milliseconds(config.maxEventLoopDelay),
    maxHeapUsedBytes: config.maxHeapUsedRatio * getHeapStatistics().heap_size_limit,
    sampleInterval,
    // its `customError` would add Retry-After; an error from here doesn't
    async pressureHandler () {
      onShed()
      throw new OverloadedError()
    }
  })
}

export default fp(pressure, { name: 'pressure' })
