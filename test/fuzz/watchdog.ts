/**
 * An endless loop leaves no time for a test to say so. A thread of its own
 * looks whether the event loop still turns, and if it doesn't, says which input
 * it was and ends the process.
 */
import { Worker } from 'node:worker_threads'

export interface Watchdog {
  /** An input is begun. */
  begin: (index: number) => void
  stop: () => void
}

/** Milliseconds without a turn of the event loop. */
const PATIENCE = 30_000

const BEAT = 200

const THREAD = `
const { workerData: { cells, seed, patience } } = require('node:worker_threads')
let [last, since] = [-1, Date.now()]
setInterval(() => {
  const beat = Atomics.load(cells, 0)
  if (beat !== last) return void ([last, since] = [beat, Date.now()])
  if (Date.now() - since < patience) return
  require('node:fs').writeSync(2, 'the event loop has stood still for ' + patience + ' ms, at or shortly before input ' + Atomics.load(cells, 1) + ' of seed ' + seed + '\\n')
  process.kill(process.pid, 'SIGKILL')
}, 1000)
`

export function watch (seed: number): Watchdog {
  const cells = new Int32Array(new SharedArrayBuffer(8))
  const worker = new Worker(THREAD, { eval: true, workerData: { cells, seed, patience: PATIENCE } })
  worker.unref()
  const beat = setInterval(() => { Atomics.add(cells, 0, 1) }, BEAT)
  return {
    begin (index) { Atomics.store(cells, 1, index) },
    stop () {
      clearInterval(beat)
      worker.terminate().catch(() => {})
    }
  }
}
