/**
 * Who may import whom: the table of docs/architecture.md, held against every
 * import. And every source file is loaded at least once, so that one without a
 * test shows in the coverage.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { test } from 'tap'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SOURCES = ['src', 'plugins', 'schemas'].flatMap(sources)

/** What lives below a path, and what it may import. */
interface Folder {
  readonly path: string
  readonly imports: readonly string[]
}

const FOLDERS: readonly Folder[] = tableOf(read('docs/architecture.md'), 'imports')
  .map(([path, imports]) => ({ path: names(path!)[0]!, imports: names(imports!) }))

for (const { path, imports } of FOLDERS) {
  test(`${path} imports only what its row allows`, async t => {
    const files = SOURCES.filter(file => folderOf(file)?.path === path)
    t.ok(files.length > 0, 'the row is about a file')
    for (const file of files) {
      const own = /^plugins\/providers\/[^/]+\//.exec(file)?.[0]
      const allowed = own === undefined ? imports : [...imports, own]
      t.strictSame(importsOf(file).filter(target => !allowed.some(name => covers(name, target))), [], file)
    }
  })
}

test('every file has a row', async t => {
  t.strictSame(SOURCES.filter(file => folderOf(file) === undefined), [])
})

test('Fastify is called in one place', async t => {
  t.strictSame(SOURCES.filter(file => importsOf(file, { types: false }).includes('fastify')), ['src/http/server.ts'])
})

test('the server is known to plugins by type alone', async t => {
  t.strictSame(SOURCES.filter(file => file.startsWith('plugins/') && importsOf(file, { types: false }).includes('src/http/server.ts')), [])
})

test('nothing imports the command line', async t => {
  const importers = (folder: string): string[] => SOURCES.filter(file => !file.startsWith(folder) && importsOf(file).some(target => target.startsWith(folder)))
  t.strictSame(importers('src/cli/'), [])
  t.strictSame(importers('src/cli/commands/'), ['src/cli/main.ts'])
  t.strictSame(SOURCES.filter(file => importsOf(file).includes('src/cli/main.ts')), [])
})

test('only the command line ends the process or listens to signals', async t => {
  const enders = SOURCES.filter(file => /process\.(exit\(|exitCode|on\(|once\()/.test(read(file)))
  t.strictSame(enders.filter(file => !file.startsWith('src/cli/')), [])
})

test('every source file can be loaded by itself', async t => {
  // cli.ts runs when it is loaded; the tests of the commands start it
  for (const file of SOURCES.filter(file => file !== 'src/cli/main.ts')) {
    t.ok(await import(pathToFileURL(join(ROOT, file)).href), file)
  }
})

function sources (folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts'))
    .map(file => join(folder, file))
    .sort()
}

function read (file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

/** The rows of the table between two comments, without its head. */
function tableOf (text: string, name: string): string[][] {
  const table = text.split(`<!-- ${name}: begin -->`)[1]!.split(`<!-- ${name}: end -->`)[0]!
  return table.trim().split('\n').slice(2).map(row => row.split('|').slice(1, -1))
}

function names (cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(match => match[1]!)
}

/** The longest path wins. */
function folderOf (file: string): Folder | undefined {
  return FOLDERS.filter(({ path }) => file.startsWith(path)).sort((a, b) => b.path.length - a.path.length)[0]
}

/** `src/authn/` is what lies below it, `node:*` what begins so, the rest itself or a file of that package. */
function covers (name: string, target: string): boolean {
  if (name.endsWith('*')) return target.startsWith(name.slice(0, -1))
  if (name.endsWith('/')) return target.startsWith(name)
  return target === name || (!name.endsWith('.ts') && target.startsWith(`${name}/`))
}

/** What a file imports: paths from the root for our own files, names for packages. */
function importsOf (file: string, { types = true } = {}): string[] {
  const statements = read(file).matchAll(/^(?:import|export)\s(type\s)?[^'"]*?from\s+'([^']+)'|^import\s+()'([^']+)'|(?:[^.\w])import\(()'([^']+)'\)/gm)
  return [...statements]
    .filter(([, type]) => types || type === undefined || type === '')
    .map(match => match[2] ?? match[4] ?? match[6]!)
    .map(target => target.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(file), target)).replace(/\.js$/, '.ts') : target)
}
