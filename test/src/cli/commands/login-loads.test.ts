/** What `login` loads at each call of kubectl, and what only a sign-in does. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { accountOptions, BIN, execInfo, KUBECTL_BIN, makeHome, runPlugin, startSignInService } from '../../../fixtures/credential-plugin.js'
import { alice } from '../../../fixtures/people.js'

/** Writes the file of each CommonJS module to stderr. */
const RECORDER = `data:text/javascript,${encodeURIComponent("import Module from 'node:module'; const load = Module._load; Module._load = function (...args) { const file = Module._resolveFilename(...args); if (file.startsWith('/')) process._rawDebug('loads ' + file); return load.apply(this, args) }")}`

for (const [name, bin] of [['authn-webhook', BIN], ['kubectl-authn', KUBECTL_BIN]] as const) {
  void test(`${name}: a cached token needs one file`, async t => {
    const [service, home] = [await startSignInService(t), await makeHome(t)]
    const args = ['login', ...accountOptions(service, home), '--username=alice']
    const env = { ...execInfo({ interactive: false }), NODE_OPTIONS: `--import=${RECORDER}` }
    const load = async (options: string[]): Promise<string[]> => {
      const { code, stderr } = await runPlugin([...args, ...options], { home, bin, env, input: alice.password })
      t.equal(code, 0)
      const loaded = [...stderr.matchAll(/^loads (\S+)$/gm)].map(match => match[1]!)
      // before it come those of tap, which is loaded into every process of a test
      return [...new Set(loaded.slice(loaded.indexOf(bin)))]
    }
    const signIn = await load(['--password-stdin'])
    t.ok(signIn.some(file => file.includes('/node_modules/undici/')), 'a sign-in loads a package')
    t.strictSame(await load([]), [bin])
  })
}

void test('the licenses of what is in the bundle are with it', async t => {
  const licenses = readFileSync(fileURLToPath(new URL('LICENSES', new URL('../../../../dist/bin/', import.meta.url))), 'utf8')
  for (const name of ['commander', 'js-yaml', 'env-paths', 'is-safe-filename', '@fastify/error', 'ghtml', 'jose', 'openid-client', 'oauth4webapi']) t.match(licenses, new RegExp(`^${name} \\d[\\d.]* \\(MIT\\)$`, 'm'))
  t.match(licenses, /Permission is hereby granted/)
})
