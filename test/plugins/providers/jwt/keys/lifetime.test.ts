/** How long the documents of an issuer are fresh. */
import { test } from 'tap'
import { LIFETIMES, clockSkewOf, lifetimeOf } from '../../../../../plugins/providers/jwt/keys/lifetime.js'

const date = 'Thu, 26 Nov 2026 12:00:00 GMT'
const inTenMinutes = 'Thu, 26 Nov 2026 12:10:00 GMT'

test('seconds that a document is fresh', async t => {
  const cases: Array<[name: string, headers: Record<string, string>, seconds: number]> = [
    ['nothing said', {}, 3600],
    ['max-age', { 'cache-control': 'max-age=600' }, 600],
    ['among others', { 'cache-control': 'public, MAX-AGE = "600", must-revalidate' }, 600],
    ['less what a cache has used up', { 'cache-control': 'max-age=600', age: '100' }, 500],
    ['another directive of a similar name', { 'cache-control': 'x-max-age2=600' }, 3600],
    ['max-age before Expires', { 'cache-control': 'max-age=600', expires: date, date }, 600],
    ['Expires', { expires: inTenMinutes, date }, 600],
    ['Expires, less what a cache has used up', { expires: inTenMinutes, date, age: '100' }, 500],
    ['Expires without Date', { expires: new Date(Date.now() + 7 * 24 * 3_600_000).toUTCString() }, 86_400],
    ['Expires in the past', { expires: date, date: inTenMinutes }, 60],
    ['Expires that is no date', { expires: '0', date }, 60],
    ['no-store', { 'cache-control': 'no-store, max-age=600' }, 60],
    ['no-cache', { 'cache-control': 'no-cache' }, 60],
    ['0', { 'cache-control': 'max-age=0' }, 60],
    ['a minute at least', { 'cache-control': 'max-age=59' }, 60],
    ['used up', { 'cache-control': 'max-age=600', age: '601' }, 60],
    ['a day at most', { 'cache-control': 'max-age=31536000' }, 86_400],
    ['a number that is too long', { 'cache-control': `max-age=${'9'.repeat(400)}` }, 86_400],
    ['an age that is no number', { 'cache-control': 'max-age=600', age: '-100' }, 600],
    ['a max-age that is no number', { 'cache-control': 'max-age=soon' }, 3600]
  ]
  for (const [name, headers, seconds] of cases) t.equal(lifetimeOf(new Headers(headers), LIFETIMES) / 1000, seconds, name)
})

test('milliseconds by which a clock is ahead', async t => {
  const now = Date.parse(date)
  for (const [headers, skew] of [
    [{}, 0],
    [{ date }, 0],
    [{ date: inTenMinutes }, 600_000],
    [{ date, age: '60' }, 60_000],
    [{ date: 'yesterday' }, 0]
  ] as Array<[Record<string, string>, number]>) t.equal(clockSkewOf(new Headers(headers), now), skew)
})
