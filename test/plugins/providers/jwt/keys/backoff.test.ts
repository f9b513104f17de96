import { test } from 'tap'
import { Backoff } from '../../../../../plugins/providers/jwt/keys/backoff.js'

test('delays double up to a minute, of which up to half is left out by chance', async t => {
  for (const [random, delays] of [[0, [1, 2, 4, 8, 16, 32, 60, 60]], [0.5, [0.75, 1.5, 3, 6, 12, 24, 45, 45]], [1, [0.5, 1, 2, 4, 8, 16, 30, 30]]] as const) {
    const backoff = new Backoff(() => 0, () => random)
    t.same(delays.map(() => backoff.fail(new Error('down')) / 1000), delays)
  }
  const longDown = new Backoff(() => 0, () => 0)
  for (let i = 0; i < 2_000; i++) longDown.fail(new Error('down'))
  t.equal(longDown.fail(new Error('down')), 60_000)
})

test('an error is pending for its delay, and known until the next success', async t => {
  let now = 0
  const backoff = new Backoff(() => now, () => 0)
  t.same([backoff.pending, backoff.error], [false, undefined])
  const error = new Error('down')
  backoff.fail(error)
  now = 999
  t.equal(backoff.pending, true)
  now = 1_000
  t.same([backoff.pending, backoff.error], [false, error])
  backoff.succeed()
  t.equal(backoff.error, undefined)
  t.equal(backoff.fail(error), 1_000, 'the first delay again')
})
