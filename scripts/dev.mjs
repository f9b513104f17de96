// `npm run dev`: builds whenever a source changes, and restarts the demo
// whenever a build did. What follows `--` goes to `serve`:
// `npm run dev -- --mock`; `--demo` without.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
// installs and builds: there must be something to watch
import './setup.mjs'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const options = process.argv.length > 2 ? process.argv.slice(2) : ['--demo']

const children = [
  start('node_modules/typescript/bin/tsc', '--project', 'tsconfig.build.json', '--watch', '--preserveWatchOutput'),
  start('--watch', '--watch-preserve-output', 'dist/src/cli/main.js', 'serve', ...options)
]

function start (...args) {
  // at a terminal Ctrl-C reaches both of them by itself
  return spawn(process.execPath, args, { stdio: 'inherit' })
}

for (const child of children) {
  child.once('exit', code => {
    for (const other of children) other.kill()
    process.exitCode = code ?? 0
  })
}
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => { for (const child of children) child.kill(signal) })
}
