import { test } from 'tap'
import { matchAudiences } from '../../../src/authn/audiences.js'

const API = 'https://kubernetes.default.svc'

const cases: Array<{ when: string, requested?: string[], configured?: string[], bound?: string[], then: string[] | undefined | 'none' }> = [
  { when: 'nothing is known, configured or asked', then: undefined },
  { when: 'nothing is known and something is asked: what is asked is never echoed', requested: ['vault'], then: undefined },
  { when: 'the configured audience is asked', requested: [API], configured: [API], then: [API] },
  { when: 'nothing is asked: the configured ones are', configured: [API, 'b'], then: [API, 'b'] },
  { when: 'a foreign audience is asked', requested: ['vault'], configured: [API], then: 'none' },
  { when: 'the token is bound to what is asked', requested: [API], bound: [API], then: [API] },
  { when: 'the token is bound to one of several asked', requested: ['vault', API], bound: [API, 'ci'], then: [API] },
  { when: 'the token is bound to something else', requested: [API], bound: ['ci'], then: 'none' },
  { when: 'the token is bound beyond what is configured: its own count', requested: ['ci'], configured: [API], bound: ['ci'], then: ['ci'] },
  { when: 'the token is bound, nothing is asked, something is configured', configured: [API], bound: [API, 'ci'], then: [API] },
  { when: 'the token is bound, nothing is asked or configured', bound: ['ci'], then: 'none' },
  { when: 'the token is good for no audience', requested: [API], configured: [API], bound: [], then: 'none' },
  { when: 'an audience is asked twice', requested: [API, API], configured: [API], then: [API] }
]

for (const { when, then, requested = [], configured = [], bound } of cases) {
  test(when, async t => {
    t.strictSame(matchAudiences({ requested, configured, bound }), then)
  })
}
