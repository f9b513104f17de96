// Builds what the tests of the whole need and find in the cache later, without running them.
//
// usage: node test/e2e/build.mjs [--install]
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildKubernetes } from './tools.mjs'

const { values: { install } } = parseArgs({ options: { install: { type: 'boolean', default: process.env.CI === 'true' } } })
process.chdir(fileURLToPath(new URL('../..', import.meta.url)))
buildKubernetes(install)
