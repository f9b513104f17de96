import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type Test } from 'tap'
import { findDefinition, KINDS } from '../../../src/config/registry.js'
import { resolveSecrets } from '../../../src/documents/resolve-secrets.js'

const provider = (kind: string): string => `export default { contract: 1, kind: '${kind}', schema: {}, open: () => ({ authenticateToken: () => null }) }\n`

/** A directory with these files; directories are made on the way. */
async function folder (t: Test, files: Record<string, string>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'authn-webhook-'))
  t.teardown(async () => { await rm(dir, { recursive: true, force: true }) })
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true })
    await writeFile(join(dir, name), text)
  }
  return dir
}

test('each built-in kind leads to its definition', async t => {
  t.strictSame(KINDS, ['static', 'ldap', 'jwt', 'mock', 'module'])
  for (const kind of KINDS.filter(kind => kind !== 'module')) {
    t.equal((await findDefinition({ kind }, { dir: '.' })).kind, kind)
  }
})

test('what the config says has to fit together', async t => {
  for (const [entry, message] of [
    [{ kind: 'ldab' }, 'unknown kind "ldab": must be one of static, ldap, jwt, mock, module'],
    [{ kind: 'constructor' }, 'unknown kind "constructor": must be one of static, ldap, jwt, mock, module'],
    [{ kind: 'module' }, '"kind: module" requires "from": a package, or a path that starts with ./'],
    [{ kind: 'static', from: './x.mjs' }, '"from" is only for "kind: module"']
  ] as const) {
    await t.rejects(findDefinition(entry, { dir: '.' }), { code: 'AUTHN_UNKNOWN_PROVIDER', message })
  }
})

test('a file is found from the config file\'s directory', async t => {
  const dir = await folder(t, { 'etc/one.mjs': provider('one'), 'two.mjs': provider('two'), 'etc/a b#c?.mjs': provider('odd-name') })
  for (const [from, kind] of [['./one.mjs', 'one'], ['../two.mjs', 'two'], [join(dir, 'two.mjs'), 'two'], ['./a b#c?.mjs', 'odd-name']] as const) {
    t.equal((await findDefinition({ kind: 'module', from }, { dir: join(dir, 'etc') })).kind, kind, from)
  }
})

test('a package is found as import would find it', async t => {
  const packages: Record<string, [manifest: object, ...files: string[]]> = {
    'by-main': [{ main: 'lib/provider.mjs' }, 'lib/provider.mjs'],
    'by-index': [{ type: 'module' }, 'index.js'],
    'for-import-alone': [{ exports: { import: './provider.mjs' } }, 'provider.mjs'],
    'by-name': [{ exports: './provider.mjs' }, 'provider.mjs'],
    'by-dot': [{ exports: { '.': { types: './none.d.ts', node: { require: './none.cjs', import: './provider.mjs' } } } }, 'provider.mjs'],
    'by-fallback': [{ exports: { '.': [{ browser: './none.js' }, './provider.mjs'] } }, 'provider.mjs'],
    'by-subpath/provider': [{ exports: { '.': './none.mjs', './provider': { default: './provider.mjs' } } }, 'provider.mjs'],
    'by-path/lib/provider.mjs': [{}, 'lib/provider.mjs'],
    'by-pattern/lib/provider.mjs': [{ exports: { './*': './*' } }, 'lib/provider.mjs'],
    'by-pattern/provider': [{ exports: { './types/*': './none.d.ts', './*': { import: './dist/*.mjs' } } }, 'dist/provider.mjs'],
    'by-longest-pattern/lib/provider.js': [{ exports: { './*': './none.mjs', './lib/*.js': './dist/*.mjs', './lib/*': './none.mjs' } }, 'dist/provider.mjs'],
    'by-next-condition': [{ exports: { node: { require: './none.cjs' }, import: './provider.mjs' } }, 'provider.mjs'],
    '@scope/name': [{ exports: './provider.mjs' }, 'provider.mjs'],
    '@scope/deep/provider': [{ exports: { './provider': './provider.mjs' } }, 'provider.mjs']
  }
  for (const [specifier, [manifest, file]] of Object.entries(packages)) {
    const name = specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
    const dir = await folder(t, {
      [`node_modules/${name}/package.json`]: JSON.stringify({ name, ...manifest }),
      [`node_modules/${name}/${file}`]: provider('found'),
      'etc/authn/config.yaml': ''
    })
    t.equal((await findDefinition({ kind: 'module', from: specifier }, { dir: join(dir, 'etc/authn') })).kind, 'found', specifier)
  }
})

test('the config file\'s directory goes before this package\'s own', async t => {
  const dir = await folder(t, { 'node_modules/pino/package.json': '{ "main": "provider.mjs" }', 'node_modules/pino/provider.mjs': provider('from-config') })
  t.equal((await findDefinition({ kind: 'module', from: 'pino' }, { dir })).kind, 'from-config')
  // pino is no provider, but it is found
  await t.rejects(findDefinition({ kind: 'module', from: 'pino' }, { dir: tmpdir() }), { message: /the default export is not an object made by defineIdentityProvider/ })
})

test('what can\'t be used is refused with the reason', async t => {
  const dir = await folder(t, {
    'throws.mjs': 'throw new Error("boom")\n',
    'throws-text.mjs': 'throw "boom"\n',
    'syntax.mjs': 'export default {\n',
    'imports.mjs': 'import "./gone.mjs"\n',
    'named.mjs': 'export const provider = {}\n',
    'text.mjs': 'export default "text"\n',
    'null.mjs': 'export default null\n',
    'contract.mjs': 'export default { contract: 2, kind: "x", schema: {}, open () {} }\n',
    'closed.mjs': 'export default { contract: 1, kind: "x", schema: {} }\n',
    'node_modules/inner/package.json': '{ "exports": { ".": null, "./types": { "types": "./x.d.ts" }, "./open/*": "./*.mjs", "./open/secret/*": null } }',
    'node_modules/inner/secret/key.mjs': 'export default {}\n'
  })
  const invalid = 'AUTHN_INVALID_PROVIDER'
  const unknown = 'AUTHN_UNKNOWN_PROVIDER'
  for (const [from, message, code = invalid] of [
    ['./gone.mjs', `file ${dir}/gone.mjs does not exist`, unknown],
    ['./throws.mjs', `${dir}/throws.mjs can't be loaded: boom`],
    ['./throws-text.mjs', `${dir}/throws-text.mjs can't be loaded: boom`],
    ['./syntax.mjs', `${dir}/syntax.mjs can't be loaded: Unexpected end of input; "node --check ${dir}/syntax.mjs" shows where`],
    ['./imports.mjs', `${dir}/imports.mjs can't be loaded: Cannot find module '${dir}/gone.mjs' imported from ${dir}/imports.mjs`],
    ['./named.mjs', `${dir}/named.mjs has no default export`],
    ['./text.mjs', 'the default export is not an object'],
    ['./null.mjs', 'the default export is not an object'],
    ['./contract.mjs', 'the provider speaks contract 2; this release supports: 1', 'AUTHN_CONTRACT_MISMATCH'],
    ['./closed.mjs', '"open" is not a function'],
    ['provider.mjs', `package "provider.mjs" not found in ${dir}/node_modules or `, unknown],
    ['node:fs', 'package "node:fs" not found', unknown],
    ['data:text/javascript,0', 'package "data:text" not found', unknown],
    ['%s', 'package "%s" not found', unknown],
    ['inner', `the package in ${dir}/node_modules/inner does not export "."`],
    ['inner/types', `the package in ${dir}/node_modules/inner does not export "./types"`],
    ['inner/open/secret/key', `the package in ${dir}/node_modules/inner does not export "./open/secret/key"`],
    ['inner/open/../x', `the package in ${dir}/node_modules/inner does not export`],
    ['inner/gone', `the package in ${dir}/node_modules/inner does not export "./gone"`]
  ] as const) {
    const error = await findDefinition({ kind: 'module', from }, { dir }).then(() => undefined, (error: unknown) => error as Error & { code: string })
    t.equal(error?.code, code, from)
    t.ok(error?.message.includes(message), `${from}: ${error?.message}`)
  }
})

test('a module has a limited time to load, whether or not it keeps the process alive', async t => {
  const dir = await folder(t, { 'waits.mjs': 'await new Promise(() => {})\n', 'ticks.mjs': 'await new Promise(resolve => { setTimeout(resolve, 3_600_000).unref() })\n' })
  for (const name of ['waits.mjs', 'ticks.mjs']) {
    await t.rejects(findDefinition({ kind: 'module', from: `./${name}` }, { dir, patience: 20 }), { code: 'AUTHN_INVALID_PROVIDER', message: `not an identity provider: ${dir}/${name} can't be loaded: not loaded within 0.02 s; does a top-level await never end?` })
  }
})

test('what a module threw is kept as the cause', async t => {
  const dir = await folder(t, { 'throws.mjs': 'throw new TypeError("boom")\n' })
  await t.rejects(findDefinition({ kind: 'module', from: './throws.mjs' }, { dir }), { cause: { name: 'TypeError' } })
})

test('a schema that only marks a secret takes the forms of a secret alone', async t => {
  const schema = { type: 'object', properties: { key: { 'x-secret': true } } }
  for (const [key, errors] of [['text', 0], [{ env: 'KEY' }, 0], ['', 1], [7, 1], [null, 1], [{}, 1], [{ env: '' }, 1], [{ file: 7 }, 1], [{ path: 'x' }, 1], [{ env: 'KEY', file: 'x' }, 1]] as const) {
    const found = resolveSecrets({ key }, schema, 'config', '.', { env: { KEY: 'text' } })
    t.strictSame(found, errors === 0 ? [] : [{ path: 'config.key', message: 'must be a string, {file: PATH} or {env: NAME}' }], JSON.stringify(key))
  }
})
