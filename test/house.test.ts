/**
 * Who may import whom, and that every source file is loaded at least once, so
 * that a file without a test shows in the coverage.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { test } from 'tap'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SOURCES = ['src', 'plugins', 'schemas'].flatMap(sources)

/** A room, the files in it, and what they may import beside each other. First match wins. */
interface Room {
  readonly name: string
  readonly files: RegExp
  /** Rooms and packages. */
  readonly imports: RegExp
  /** What they may know by type alone. */
  readonly types?: RegExp
}

const PURE = 'node:(crypto|util|buffer)'
const HOUSE: readonly Room[] = [
  { name: 'schemas', files: /^schemas\//, imports: /^(schemas\/|@sinclair\/typebox$)/ },
  { name: 'src/errors.ts', files: /^src\/errors\.ts$/, imports: /^(@fastify\/error|schemas\/token-review\.ts)$/ },
  { name: 'src/authn', files: /^src\/authn\//, imports: new RegExp(`^(src/authn/|schemas/|src/errors\\.ts$|${PURE}$|lru-cache$|cockatiel$|bcrypt$)`) },
  { name: 'src/files', files: /^src\/files\//, imports: /^(src\/files\/|src\/authn\/|schemas\/|src\/errors\.ts$|src\/pki\.ts$|src\/subject-name\.ts$|node:|js-yaml$|yaml$|ajv$)/ },
  { name: 'a provider', files: /^plugins\/providers\//, imports: /^(schemas\/|src\/authn\/|src\/files\/|src\/errors\.ts$|node:)/ },
  { name: 'plugins', files: /^plugins\//, imports: /^(schemas\/|src\/authn\/|src\/files\/|src\/errors\.ts$|node:|fastify$|fastify-plugin$|@fastify\/|pino$|prom-client$)/, types: /^src\/server\.ts$/ },
  { name: 'src/app.ts', files: /^src\/app\.ts$/, imports: /^(plugins\/[^/]+$|src\/(?!commands\/|cli\.ts)|schemas\/|fastify$|pino$)/ },
  { name: 'src/providers.ts', files: /^src\/providers\.ts$/, imports: /^(plugins\/providers\/|src\/authn\/|src\/errors\.ts$|node:)/ },
  { name: 'src/commands', files: /^src\/commands\//, imports: /^(src\/(?!cli\.ts)|schemas\/|node:|commander$|close-with-grace$|pino$)/ },
  { name: 'src/cli.ts', files: /^src\/cli\.ts$/, imports: /^(src\/commands\/|src\/errors\.ts$|src\/terminal\.ts$|src\/version\.ts$|commander$)/ },
  { name: 'the rest of src', files: /^src\//, imports: /^(src\/(?!commands\/|cli\.ts|app\.ts)|schemas\/|node:|(?!fastify-plugin$)[a-z@])/ }
]

for (const { name, imports, types = imports } of HOUSE) {
  test(`${name} imports only what its room may`, async t => {
    const inRoom = SOURCES.filter(file => HOUSE.find(room => room.files.test(file))?.name === name)
    t.ok(inRoom.length > 0, 'the room is not empty')
    for (const file of inRoom) {
      const values = new Set(importsOf(file, { types: false }))
      const strangers = importsOf(file).filter(target => !imports.test(target) && !sameProvider(file, target) && (values.has(target) || !types.test(target)))
      t.strictSame(strangers, [], file)
    }
  })
}

test('Fastify is called in one place', async t => {
  const callers = SOURCES.filter(file => importsOf(file, { types: false }).includes('fastify'))
  t.strictSame(callers, ['src/server.ts'])
})

test('only commands end the process or listen to signals', async t => {
  const enders = SOURCES.filter(file => /process\.(exit\(|exitCode|on\(|once\()/.test(readFileSync(join(ROOT, file), 'utf8')))
  t.strictSame(enders.filter(file => !file.startsWith('src/commands/') && file !== 'src/cli.ts'), [])
})

test('every source file can be loaded by itself', async t => {
  // cli.ts runs when it is loaded; the tests of the commands start it
  for (const file of SOURCES.filter(file => file !== 'src/cli.ts')) {
    t.ok(await import(pathToFileURL(join(ROOT, file)).href), file)
  }
})

function sources (folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts'))
    .map(file => join(folder, file))
    .sort()
}

/** A provider's own folder is its own. */
function sameProvider (file: string, target: string): boolean {
  return file.startsWith('plugins/providers/') && target.startsWith(`${file.split('/').slice(0, 3).join('/')}/`)
}

/** What a file imports: paths from the root for our own files, names for packages. */
function importsOf (file: string, { types = true } = {}): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8')
  const statements = text.matchAll(/^(?:import|export)\s(type\s)?[^'"]*?from\s+'([^']+)'|^import\s+()'([^']+)'|(?:[^.\w])import\(()'([^']+)'\)/gm)
  return [...statements]
    .filter(([, type]) => types || type === undefined || type === '')
    .map(match => match[2] ?? match[4] ?? match[6]!)
    .map(target => target.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(file), target)).replace(/\.js$/, '.ts') : target)
}
