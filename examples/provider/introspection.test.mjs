import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { conformanceCases } from 'authn-webhook/conformance'
import definition from './introspection.mjs'

// an authorization server that knows two tokens
const tokens = new Map([
  ['token-of-alice', { active: true, sub: '1001', username: 'alice', groups: ['developers'], aud: 'https://kubernetes.default.svc', exp: 4102444800 }],
  ['token-of-robot', { active: true, sub: 'robot' }]
])
const answering = await listen(async (request, response) => {
  const token = new URLSearchParams(await text(request)).get('token')
  response.end(JSON.stringify(tokens.get(token) ?? { active: false }))
})
const silent = await listen(() => {})
const gone = await listen(() => {})
gone.close()

const cases = conformanceCases({
  definition,
  config: config(answering),
  unreachable: config(gone),
  silent: config(silent),
  valid: [
    {
      credential: 'token-of-alice',
      user: { username: 'alice', uid: '1001', groups: ['developers'] },
      audiences: ['https://kubernetes.default.svc'],
      expiresAt: new Date('2100-01-01T00:00:00Z')
    },
    { credential: 'token-of-robot', user: { username: 'robot', uid: 'robot' } }
  ],
  foreign: ['token-of-nobody', { username: 'alice', password: 'a-password-of-alice' }]
})
for (const { name, run } of cases) test(name, run)

async function listen (answer) {
  // the server must not keep this process alive
  const server = createServer(answer).on('connection', socket => socket.unref()).listen(0, '127.0.0.1').unref()
  await once(server, 'listening')
  server.url = `http://127.0.0.1:${server.address().port}`
  return server
}

function config ({ url }) {
  return { url, clientId: 'kubernetes', clientSecret: { reveal: () => 'a-secret-of-the-client' } }
}
