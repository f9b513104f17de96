/** Which packages a running service has loaded. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { startCommand } from '../../../fixtures/command.js'
import { loginSection } from '../../../fixtures/login-config.js'
import { serving } from '../../../fixtures/service.js'
import { within } from '../../../fixtures/waiting.js'

const dataUrl = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`

/** Writes the URL of each module to stderr. */
const HOOKS = dataUrl("export async function resolve (specifier, context, next) { const found = await next(specifier, context); process._rawDebug('loads ' + found.url); return found }")
const RECORDER = dataUrl(`import { register } from 'node:module'; register(${JSON.stringify(HOOKS)})`)

/** Of the sign-in service, its tokens, and Redis. */
const SIGN_IN = /node_modules\/(oidc-provider|koa|ghtml|jose|@redis|@fastify\/(formbody|rate-limit))\/|\/src\/(login|sessions|session-keys)\/|\/src\/store\/redis/

async function loadedBy (t: Test, config: Record<string, unknown>): Promise<string[]> {
  const cwd = t.testdir({ 'tls.crt': serving.cert, 'tls.key': serving.key, 'users.yaml': 'apiVersion: authn-webhook/v1\nusers: []\n' })
  await writeFile(join(cwd, 'config.yaml'), JSON.stringify({
    apiVersion: 'authn-webhook/v1',
    server: { host: '127.0.0.1', port: 0 },
    tls: { certFile: 'tls.crt', keyFile: 'tls.key' },
    identityProviders: [{ name: 'people', kind: 'static', config: { usersFile: 'users.yaml' } }],
    log: { format: 'json' },
    ...config
  }))
  const child = startCommand(['serve', '--config', 'config.yaml'], { cwd, env: { NODE_OPTIONS: `--import=${RECORDER}` } })
  t.teardown(() => { child.kill('SIGKILL') })
  let [stdout, stderr] = ['', '']
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => { stderr += chunk })
  await within(() => `the service to serve: ${stdout}${stderr}`, new Promise<void>(resolve => {
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk
      if (stdout.includes('"msg":"serving"')) resolve()
    })
  }))
  return [...stderr.matchAll(/^loads (\S+)$/gm)].map(match => match[1]!)
}

test('without login, sessions and Redis, nothing of them is loaded', async t => {
  const loaded = await loadedBy(t, {})
  t.ok(loaded.some(url => url.includes('node_modules/fastify/')))
  t.strictSame(loaded.filter(url => SIGN_IN.test(url)), [])
})

test('with login, they are', async t => {
  const loaded = await loadedBy(t, { login: await loginSection(t) })
  for (const name of ['oidc-provider', 'ghtml', 'koa']) t.ok(loaded.some(url => url.includes(`node_modules/${name}/`)), name)
})
