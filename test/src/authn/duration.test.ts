import { test } from 'tap'
import { milliseconds, parseDuration } from '../../../src/authn/duration.js'

test('what Go reads', async (t) => {
  const cases: Array<[string, number]> = [
    ['0', 0], ['+0', 0], ['0s', 0],
    ['500ms', 500], ['10s', 10_000], ['2m', 120_000], ['1h', 3_600_000],
    ['1m30s', 90_000], ['1h2m3s4ms', 3_723_004], ['30s1m', 90_000], ['1s1s', 2000],
    ['1.5s', 1500], ['.5s', 500], ['1.s', 1000], ['0.25h', 900_000],
    ['1us', 0.001], ['1µs', 0.001], ['1μs', 0.001], ['1000000ns', 1],
    ['-5s', -5000], ['+5s', 5000],
    ['2562047h47m', 9_223_372_020_000]
  ]
  for (const [text, expected] of cases) t.equal(parseDuration(text), expected, text)
})

test('what Go refuses', async (t) => {
  const cases = [
    '', '-', '+', '3', '1.5', 's', '.', '.s', '1x', '1 s', ' 1s', '1s ', '1S', '1d', '--1s', '+-1s', '1s-1s', '1e3s', '٣s', 'Infinity', '1,5s',
    '2562048h', '99999999999999999999s', `${'9'.repeat(400)}h`
  ]
  for (const text of cases) t.equal(parseDuration(text), undefined, JSON.stringify(text))
})

test('milliseconds', async (t) => {
  t.equal(milliseconds('1m'), 60_000)
  t.throws(() => milliseconds('soon'), new TypeError('not a duration'))
})
