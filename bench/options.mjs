// How Node.js is started for the service: as `npm start` and the Dockerfile do.
// test/bench.test.ts holds the three together.
export const SERVICE_OPTIONS = ['--min-semi-space-size=8', '--max-semi-space-size=8', '--heap-growing-percent=70', '--no-maglev']
export const SERVICE_ENV = { MALLOC_ARENA_MAX: '1' }
