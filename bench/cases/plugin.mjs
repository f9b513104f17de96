// What a kubectl command waits for its credential plugin: from the start of the
// process to its end, with a cached token. Bare Node.js is what nothing can beat.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeEntry } from '../../dist/src/credential-plugin/cache/entries.js'
import { createIssuer } from '../issuer.mjs'
import { quietly } from '../quiet.mjs'
import { inRounds } from '../rounds.mjs'
import { median } from '../statistics.mjs'

const BIN = fileURLToPath(new URL('../../dist/bin', import.meta.url))
/** In a round. */
const CALLS = 11

export async function plugin (bench) {
  const { world, spare } = bench
  const issuer = await createIssuer('https://login.example.com')
  const account = { issuer: issuer.url, client: 'production' }
  const [token] = await issuer.sign(1)
  await writeEntry(join(world.dir, 'cache/authn-webhook/login'), account, { token, expiresAt: Math.floor(Date.now() / 1000) + 36_000 }, undefined)
  const login = name => [join(BIN, `${name}.js`), 'login', `--issuer=${account.issuer}`, `--client=${account.client}`]
  const turns = { 'authn-webhook login': login('authn-webhook'), 'kubectl authn login': login('kubectl-authn'), 'node alone': ['--eval', '0'] }
  await inRounds(bench, 'cached token of kubectl', Object.entries(turns).map(([name, args]) => [name, async () => await quietly(spare, undefined, async () => {
    const calls = Array.from({ length: CALLS }, () => call(world, args, name === 'node alone' ? '' : token))
    return { call: Math.round(median(calls) * 10) / 10 }
  })]))
}

/** Milliseconds. @param expected in its output */
function call ({ dir, node }, args, expected) {
  const started = performance.now()
  const { status, stdout, stderr } = spawnSync(node, args, { encoding: 'utf8', env: { ...process.env, XDG_CACHE_HOME: join(dir, 'cache'), HOME: dir, KUBERNETES_EXEC_INFO: JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', spec: { interactive: false } }) } })
  const milliseconds = performance.now() - started
  if (status !== 0 || !stdout.includes(expected)) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`)
  return milliseconds
}
