// Makes JavaScript of a sandbox's TypeScript, file beside file, so that a
// test starts without a compiler: Stryker runs each of them hundreds of times.
import { readdirSync } from 'node:fs'
import { buildSync } from 'esbuild'

const entryPoints = ['src', 'plugins', 'schemas', 'test'].flatMap(folder =>
  readdirSync(folder, { recursive: true }).map(name => `${folder}/${name}`).filter(name => /(?<!\.d)\.ts$/.test(name) && !name.includes('node_modules')))

buildSync({ entryPoints, outdir: '.', outbase: '.', format: 'esm', platform: 'node', target: 'es2023', logLevel: 'warning' })
