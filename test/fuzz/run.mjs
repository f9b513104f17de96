// Feeds the running service with what nobody sane would send, and its parts
// with files and names that nobody sane would write; see main.ts.
//
// usage: npm run fuzz -- [--seconds 60] [--inputs N] [--seed S] [--case N] [--only http2,http1,ldap,names,files] [--node PATH]
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
process.chdir(fileURLToPath(new URL('../..', import.meta.url)))

// the loader that tap brings; types are checked by `npm run typecheck`
const child = spawn(process.execPath, ['--import', '@isaacs/ts-node-temp-fork-for-pr-2009/import', '--conditions=authn-webhook-source', MAIN, ...process.argv.slice(2)], {
  stdio: 'inherit', env: { ...process.env, TS_NODE_TRANSPILE_ONLY: '1' }
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { child.kill(signal) })
child.on('exit', (code, signal) => { process.exitCode = signal === null ? code : 1 })
