import fc from 'fast-check'
import { test } from 'tap'
import { milliseconds, parseDuration } from '../../../src/authn/duration.js'
import { holds } from '../../fixtures/property.js'

test('what Go reads', async (t) => {
  const cases: Array<[string, number]> = [
    ['0', 0], ['+0', 0], ['0s', 0],
    ['500ms', 500], ['10s', 10_000], ['2m', 120_000], ['1h', 3_600_000],
    ['1m30s', 90_000], ['1h2m3s4ms', 3_723_004], ['30s1m', 90_000], ['1s1s', 2000],
    ['1.5s', 1500], ['.5s', 500], ['.125s', 125], ['1.s', 1000], ['0.25h', 900_000],
    ['1us', 0.001], ['1µs', 0.001], ['1μs', 0.001], ['1000000ns', 1],
    ['-5s', -5000], ['+5s', 5000],
    ['2562047h47m', 9_223_372_020_000], ['9223372036854774784ns', 9_223_372_036_854.773]
  ]
  for (const [text, expected] of cases) t.equal(parseDuration(text), expected, text)
})

test('what Go refuses', async (t) => {
  const cases = [
    '', '-', '+', '3', '1.5', 's', '.', '.s', '1x', '1 s', ' 1s', '1s ', '1S', '1d', '--1s', '+-1s', '1s-1s', '1e3s', '٣s', 'Infinity', '1,5s',
    '2562048h', '9223372036854775808ns', '99999999999999999999s', `${'9'.repeat(400)}h`
  ]
  for (const text of cases) t.equal(parseDuration(text), undefined, JSON.stringify(text))
})

test('milliseconds', async (t) => {
  t.equal(milliseconds('1m'), 60_000)
  t.throws(() => milliseconds('soon'), new TypeError('not a duration'))
})

/** Nanoseconds of each unit, as Go counts them. */
const UNITS = { ns: 1n, us: 1_000n, µs: 1_000n, μs: 1_000n, ms: 1_000_000n, s: 1_000_000_000n, m: 60_000_000_000n, h: 3_600_000_000_000n }

test('parts add up, whatever their order', async (t) => {
  const part = fc.record({ whole: fc.bigInt(0n, 9_999n), digits: fc.option(fc.integer({ min: 0, max: 99 }).map(number => String(number).padStart(2, '0'))), unit: fc.constantFrom(...Object.keys(UNITS) as Array<keyof typeof UNITS>) })
  holds(t, fc.property(fc.constantFrom('', '+', '-'), fc.array(part, { minLength: 1, maxLength: 5 }), (sign, parts) => {
    const text = parts.map(({ whole, digits, unit }) => `${whole}${digits === null ? '' : `.${digits}`}${unit}`).join('')
    const hundredths = parts.reduce((sum, { whole, digits, unit }) => sum + (whole * 100n + BigInt(digits ?? 0)) * UNITS[unit], 0n)
    const expected = (sign === '-' ? -1 : 1) * Number(hundredths) / 1e8
    const parsed = parseDuration(sign + text)
    return parsed !== undefined && Math.abs(parsed - expected) <= Math.abs(expected) * 1e-12
  }))
})

test("what Go's grammar refuses is refused", async (t) => {
  const GRAMMAR = /^[-+]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$/
  const text = fc.array(fc.constantFrom('0', '1', '9', '.', '-', '+', 'n', 'u', 'µ', 'μ', 's', 'm', 'h', 'd', ' ', 'e', ',', '\n'), { maxLength: 7 }).map(characters => characters.join(''))
  holds(t, fc.property(text, text => (parseDuration(text) !== undefined) === GRAMMAR.test(text)), 2000)
})
