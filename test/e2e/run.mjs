// Proves the service against a real kube-apiserver, a real etcd and a real
// kubectl: finds or makes them, then runs the tests of this folder.
//
// usage: npm run e2e -- [--install] [FILE…]
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildKubernetes, requirePackages, run, unpackKubectl } from './tools.mjs'

const HERE = fileURLToPath(new URL('.', import.meta.url))

const { values: { install }, positionals } = parseArgs({
  allowPositionals: true,
  options: { install: { type: 'boolean', default: process.env.CI === 'true' } }
})
process.chdir(fileURLToPath(new URL('../..', import.meta.url)))

requirePackages({ unzip: 'unzip', etcd: process.env.ETCD ? undefined : 'etcd-server' }, install)
const env = {
  ...process.env,
  KUBE_APISERVER: process.env.KUBE_APISERVER || join(buildKubernetes(install), 'kube-apiserver'),
  ETCD: process.env.ETCD || 'etcd',
  ...unpackKubectl()
}
const files = positionals.length > 0 ? positionals : readdirSync(HERE).filter(name => name.endsWith('.e2e.ts')).map(name => `test/e2e/${name}`)
// coverage would go through every process of the service, and make it another one than users have
run(process.execPath, ['node_modules/tap/dist/esm/run.mjs', '--disable-coverage', '--timeout=480', '--jobs=2', ...files], { env })
