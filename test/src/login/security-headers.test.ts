import { test } from 'tap'
import { policyFor } from '../../../src/login/security-headers.js'

for (const [uri, source] of [
  ['http://127.0.0.1:8000/callback', 'http://127.0.0.1:8000'],
  ['http://localhost/', 'http://localhost'],
  // the grammar of CSP has no IPv6 addresses
  ['http://[::1]:8000/callback', 'http:'],
  ['https://app.example.com/a?b', 'https://app.example.com'],
  ['com.example.app:/callback', 'com.example.app:'],
  ['com.example.app://host/callback', 'com.example.app:']
] as const) {
  void test(`a form may end at ${uri}`, async t => {
    t.match(policyFor(uri), `form-action 'self' ${source};`)
  })
}

void test('without a redirect URI, forms stay here', async t => {
  t.match(policyFor(undefined), "form-action 'self';")
})
