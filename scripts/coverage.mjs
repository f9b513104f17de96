// Coverage of lines over src, plugins and schemas after a run of tap, files that
// no test loaded counted as uncovered. usage: coverage.mjs PERCENT
import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)
const wanted = Number(process.argv[2])

const REPORT = '.tap/report/coverage-final.json'

rmSync(REPORT, { force: true })
// its exit code speaks of tap's own threshold
spawnSync('npx', ['--no-install', 'tap', 'report', 'json'], { stdio: ['ignore', 'ignore', 'inherit'] })
const covered = new Map(Object.values(JSON.parse(readFileSync(REPORT, 'utf8'))).map(file => [relative(root, file.path), file]))

const files = ['src', 'plugins', 'schemas']
  .flatMap(folder => readdirSync(folder, { recursive: true }).map(name => join(folder, name)))
  .filter(name => name.endsWith('.ts'))
  .map(name => ({ name, ...linesOf(name) }))
const lines = files.reduce((sum, { lines }) => sum + lines, 0)
const hit = files.reduce((sum, { hit }) => sum + hit, 0)
const percent = 100 * hit / lines

for (const { name, lines, hit } of files.filter(file => file.hit < file.lines).sort((a, b) => a.hit / a.lines - b.hit / b.lines)) {
  console.log(`${(100 * hit / lines).toFixed(1).padStart(6)} %  ${name}`)
}
console.log(`${percent.toFixed(2)} % of ${lines} lines in ${files.length} files`)
if (!(percent >= wanted)) {
  console.error(`less than ${wanted} %`)
  process.exit(1)
}

/** Istanbul's lines: the first line of every statement. A file without an entry was loaded by nobody. */
function linesOf (name) {
  const file = covered.get(name)
  if (file === undefined) return { lines: readFileSync(name, 'utf8').split('\n').filter(line => /\S/.test(line)).length, hit: 0 }
  const counts = new Map()
  for (const [id, { start }] of Object.entries(file.statementMap)) counts.set(start.line, Math.max(counts.get(start.line) ?? 0, file.s[id]))
  return { lines: counts.size, hit: [...counts.values()].filter(count => count > 0).length }
}
