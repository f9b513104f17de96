/** What `login` loads at each call of kubectl, and what only a sign-in does. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { accountOptions, BIN, execInfo, KUBECTL_BIN, makeHome, runPlugin, startSignInService } from '../../../fixtures/credential-plugin.js'
import { alice } from '../../../fixtures/people.js'

const dataUrl = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`

/** Writes the URL of each module to stderr. */
const HOOKS = dataUrl("export async function resolve (specifier, context, next) { const found = await next(specifier, context); process._rawDebug('loads ' + found.url); return found }")
const RECORDER = dataUrl(`import { register } from 'node:module'; register(${JSON.stringify(HOOKS)})`)

for (const [name, bin] of [['authn-webhook', BIN], ['kubectl-authn', KUBECTL_BIN]] as const) {
  void test(`${name}: a cached token needs the bundle alone`, async t => {
    const [service, home] = [await startSignInService(t), await makeHome(t)]
    const args = ['login', ...accountOptions(service, home), '--username=alice']
    const env = { ...execInfo({ interactive: false }), NODE_OPTIONS: `--import=${RECORDER}` }
    const load = async (options: string[]): Promise<string[]> => {
      const { code, stderr } = await runPlugin([...args, ...options], { home, bin, env, input: alice.password })
      t.equal(code, 0)
      const loaded = [...stderr.matchAll(/^loads (file:\S+)$/gm)].map(match => fileURLToPath(match[1]!))
      // before it come those of tap, which is loaded into every process of a test
      return [...new Set(loaded.slice(loaded.indexOf(bin)))]
    }
    const signIn = await load(['--password-stdin'])
    for (const each of ['openid-client', 'undici', 'open']) t.ok(signIn.some(file => file.includes(`/node_modules/${each}/`)), `a sign-in loads ${each}`)

    const cached = await load([])
    t.equal(cached[0], bin)
    t.strictSame(cached.filter(file => !file.includes('/dist/bin/')), [], 'no package, and no file outside of the bundle')
    t.ok(cached.length <= 15, `files are few: ${cached.length}`)
    for (const file of cached) t.notMatch(readFileSync(file, 'utf8'), /^import .*from ["'](?:openid-client|undici|open|jose|ghtml)["']/m, file)
  })
}

void test('the licenses of what is in the bundle are with it', async t => {
  const licenses = readFileSync(fileURLToPath(new URL('LICENSES', new URL('../../../../dist/bin/', import.meta.url))), 'utf8')
  for (const name of ['commander', 'js-yaml', 'env-paths', 'is-safe-filename', '@fastify/error']) t.match(licenses, new RegExp(`^${name} \\d[\\d.]* \\(MIT\\)$`, 'm'))
  t.match(licenses, /Permission is hereby granted/)
})
