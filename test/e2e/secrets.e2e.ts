/** What an API server gets back: a status, and nothing that it sent. */
import { test } from 'tap'
import { hashPassword } from '../../src/authn/password-hash.js'
import { alice, basicToken, bob, carol } from '../fixtures/people.js'
import { startCluster } from './cluster.js'
import { createWebhook, usersFile } from './webhook.js'
import { startWiretap } from './wiretap.js'

const DOWN = `
export default { contract: 1, kind: 'down', schema: {}, open: () => ({
  recognizes: ({ token }) => token === '${carol.token}',
  authenticateToken: async token => { throw new Error(\`no answer about \${token}\`) }
}) }
`

const TOKENS = {
  'of a user': alice.token,
  'that is a password': basicToken('bob', bob.password),
  'that is a wrong password': basicToken('bob', 'canary-wrong-password'),
  'that nobody knows': 'canary-nobody-5d0e8c7a3b9f4126',
  'that nobody could tell': carol.token,
  'that is too long': 'canary-'.padEnd(20_000, 'x')
}

test('no answer repeats a token', async t => {
  const webhook = await createWebhook(t, {
    identityProviders: [{ name: 'down', kind: 'module', from: './down.mjs' }, { name: 'people', kind: 'static', config: { usersFile: 'users.yaml' } }],
    files: { 'down.mjs': DOWN, 'users.yaml': usersFile([alice], [{ ...bob.user, passwordHash: await hashPassword(bob.password) }]) }
  })
  await webhook.start()
  const answers: string[] = []
  const wiretap = await startWiretap(t, {
    to: () => webhook,
    change (answer) {
      answers.push(answer.body ?? '')
      return answer
    }
  })
  const cluster = await startCluster(t, { webhook: await webhook.kubeconfig('--server', `https://127.0.0.1:${wiretap.port}`) })
  for (const [what, token] of Object.entries(TOKENS)) {
    const status = await cluster.review(token, ['https://kubernetes.default.svc'])
    const answer = answers.pop() ?? ''
    t.strictSame(Object.keys(JSON.parse(answer)).sort(), ['apiVersion', 'kind', 'status'], `one ${what}: the answer is a status alone`)
    t.notOk(answer.includes(token), 'without the token')
    t.notMatch(answer + JSON.stringify(status), /canary/, 'or a part of it, and so is what the API server says')
  }
})
