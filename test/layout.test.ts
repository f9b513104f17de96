/**
 * Who may import whom: the table of docs/architecture.md, held against every
 * import. And every source file is loaded at least once, so that one without a
 * test shows in the coverage.
 */
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { buildSync } from 'esbuild'
import { test } from 'tap'
import ts from 'typescript'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SOURCES = ['src', 'plugins', 'schemas'].flatMap(sources)

/** Of each file that was looked into. */
const parsed = new Map<string, ts.Node[]>()

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
  t.strictSame(importers('src/cli/commands/'), ['src/cli/credential-plugin.ts', 'src/cli/main.ts'])
  t.strictSame(SOURCES.filter(file => importsOf(file).includes('src/cli/main.ts')), ['src/cli/bin/authn-webhook.ts'])
})

test('only the command line ends the process or listens to signals', async t => {
  const names = ['exit', 'exitCode', 'abort', 'kill', 'on', 'once', 'addListener', 'prependListener']
  const enders = SOURCES.filter(file => namesOfProcess(file).some(name => names.includes(name)))
  t.ok(enders.includes('src/cli/main.ts'), 'it would be found')
  t.strictSame(enders.filter(file => !file.startsWith('src/cli/')), [])
})

// these run when they are loaded; the tests of the commands start them
const LOADABLE = SOURCES.filter(file => file !== 'src/cli/main.ts' && !file.startsWith('src/cli/bin/'))

test('every source file is loaded', async t => {
  for (const file of LOADABLE) t.ok(await import(pathToFileURL(join(ROOT, file)).href), file)
})

// those of `devDependencies` are missing where the package is installed
test('every imported package is a dependency', async t => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
  const packages = SOURCES.flatMap(file => importsOf(file, { types: false })).filter(target => !/^(node:|authn-webhook\/|.*\.ts$)/.test(target))
    .map(target => /^(@[^/]+\/)?[^/]+/.exec(target)![0])
  t.strictSame([...new Set(packages)].filter(name => !(name in dependencies)).sort(), [])
})

// in a circle, what works depends on which file is loaded first
test('no imports go in a circle', async t => {
  t.strictSame(circles(), [])
})

test('what needs reflect-metadata has it, whichever file is loaded first', async t => {
  const directory = t.testdir({ 'package.json': read('package.json') })
  buildSync({ entryPoints: LOADABLE.map(file => join(ROOT, file)), outdir: directory, outbase: ROOT, format: 'esm', platform: 'node', target: 'es2023', logLevel: 'silent' })
  const files = LOADABLE.filter(file => importsOf(file, { types: false }).includes('@peculiar/x509'))
  t.ok(files.length > 0, 'it is about a file')
  for (const file of files) {
    // a thread has packages of its own
    const thread = new Worker(new URL(pathToFileURL(join(directory, file.replace(/\.ts$/, '.js')))), { execArgv: [] })
    const error: unknown = await once(thread, 'exit').then(() => undefined, (error: unknown) => error)
    t.equal(error, undefined, file)
  }
})

/** Of files that import each other, not only by type; each as the way from a file back to itself. */
function circles (): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) found.push([...way.slice(way.indexOf(file)), file].join(' → '))
    if (done.has(file) || way.includes(file)) return
    for (const target of importsOf(file, { types: false })) if (SOURCES.includes(target)) visit(target, [...way, file])
    done.add(file)
  }
  for (const file of SOURCES) visit(file, [])
  return found
}

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
  const targets = nodesOf(file).flatMap(node => {
    if (ts.isImportDeclaration(node)) return types || node.importClause?.isTypeOnly !== true ? [node.moduleSpecifier] : []
    if (ts.isExportDeclaration(node)) return node.moduleSpecifier !== undefined && (types || !node.isTypeOnly) ? [node.moduleSpecifier] : []
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) return [...node.arguments]
    return types && ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) ? [node.argument.literal] : []
  })
  return targets.filter(ts.isStringLiteral)
    .map(({ text }) => text.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(file), text)).replace(/\.js$/, '.ts') : text)
}

/** What a file uses of `process`: `exit` of `process.exit()` and of `const { exit } = process`. */
function namesOfProcess (file: string): string[] {
  const isProcess = (node: ts.Node | undefined): boolean => node !== undefined && ts.isIdentifier(node) && node.text === 'process'
  return nodesOf(file).flatMap(node => {
    if (ts.isPropertyAccessExpression(node) && isProcess(node.expression)) return [node.name.text]
    if (ts.isVariableDeclaration(node) && isProcess(node.initializer) && ts.isObjectBindingPattern(node.name)) return node.name.elements.map(({ propertyName, name }) => (propertyName ?? name).getText())
    return []
  })
}

/** The syntax of a file: what a comment or a text says is no code. */
function nodesOf (file: string): ts.Node[] {
  const known = parsed.get(file)
  if (known !== undefined) return known
  const nodes: ts.Node[] = []
  const visit = (node: ts.Node): void => {
    nodes.push(node)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true))
  parsed.set(file, nodes)
  return nodes
}
