import { test } from 'tap'
import { keyedDigest } from '../../../src/authn/keyed-digest.js'

test('equal for equal keys and texts, and for nothing else', async t => {
  const digest = keyedDigest('a key that replicas share')
  t.match(digest('hunter2'), /^[0-9a-f]{64}$/)
  t.equal(digest('hunter2'), keyedDigest('a key that replicas share')('hunter2'))
  t.not(digest('hunter2'), digest('hunter3'))
  t.not(digest('hunter2'), keyedDigest('another key')('hunter2'))
  t.not(keyedDigest('a')('bc'), keyedDigest('ab')('c'), 'key and text are kept apart')
})

test('in base64 it is shorter', async t => {
  t.equal(Buffer.from(keyedDigest('key', 'base64')('hunter2'), 'base64').toString('hex'), keyedDigest('key')('hunter2'))
})

test('without a key it is one of its own', async t => {
  t.not(keyedDigest()('hunter2'), keyedDigest()('hunter2'))
})
