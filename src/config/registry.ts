/**
 * Finds the definition of a provider by its `kind`. A kind is loaded only if it
 * is configured: a directory client takes time to load.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Deadline, PROVIDER_PATIENCE } from '../authn/deadline.js'
import { defineIdentityProvider, type IdentityProviderDefinition } from '../authn/provider.js'
import { InvalidProviderError, UnknownProviderError } from '../errors.js'

const BUILT_IN: Readonly<Record<string, () => Promise<{ default: IdentityProviderDefinition }>>> = {
  static: async () => await import('../../plugins/providers/static/index.js'),
  ldap: async () => await import('../../plugins/providers/ldap/index.js'),
  jwt: async () => await import('../../plugins/providers/jwt/index.js'),
  mock: async () => await import('../../plugins/providers/mock/index.js')
}

/** The values of `kind:`. */
export const KINDS: readonly string[] = [...Object.keys(BUILT_IN), 'module']

/**
 * @param provider `from`, for `kind: module`: a package, or a path that starts with `./`, `../` or `/`
 * @param ctx `dir`: the config file's directory, where paths start and packages are searched first;
 *   `patience`: time limit for a module to load, in milliseconds, for tests
 * @throws UnknownProviderError, InvalidProviderError, ContractMismatchError
 */
export async function findDefinition ({ kind, from }: { kind: string, from?: string | undefined }, ctx: { dir: string, patience?: number }): Promise<IdentityProviderDefinition> {
  if (kind === 'module') {
    if (from === undefined) throw new UnknownProviderError('"kind: module" requires "from": a package, or a path that starts with ./')
    return await loadModule(from, resolve(ctx.dir), ctx.patience)
  }
  if (from !== undefined) throw new UnknownProviderError('"from" is only for "kind: module"')
  const load = Object.hasOwn(BUILT_IN, kind) ? BUILT_IN[kind] : undefined
  if (load === undefined) throw new UnknownProviderError(`unknown kind ${JSON.stringify(kind)}: must be one of ${KINDS.join(', ')}`)
  return (await load()).default
}

async function loadModule (from: string, dir: string, patience = PROVIDER_PATIENCE): Promise<IdentityProviderDefinition> {
  const file = isPath(from) ? resolveFile(from, dir) : resolvePackage(from, dir)
  let module: { default?: IdentityProviderDefinition }
  try {
    // the timer also keeps the process alive if nothing else does
    module = await new Deadline(patience).race(import(pathToFileURL(file).href), () => new Error(`not loaded within ${patience / 1000} s; does a top-level await never end?`))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const hint = error instanceof SyntaxError ? `; "node --check ${file}" shows where` : ''
    throw new InvalidProviderError(`${file} can't be loaded: ${reason}${hint}`, { cause: error })
  }
  if (module.default === undefined) throw new InvalidProviderError(`${file} has no default export`)
  return defineIdentityProvider(module.default)
}

function isPath (from: string): boolean {
  return /^\.\.?\//.test(from) || isAbsolute(from)
}

function resolveFile (path: string, dir: string): string {
  const file = resolve(dir, path)
  if (!existsSync(file)) throw new UnknownProviderError(`file ${file} does not exist`)
  // importing a pipe would never end
  if (!statSync(file).isFile()) throw new InvalidProviderError(`${file} is not a regular file`)
  return file
}

/**
 * The file that `import` would load for a package in the config file, or else
 * in this package. Node.js answers that only behind an experimental flag, and
 * `require.resolve` doesn't see packages that are made only for `import`.
 */
function resolvePackage (specifier: string, dir: string): string {
  const [, name = '', subpath = ''] = /^((?:@[^/]+\/)?[^/]+)(\/.+)?$/.exec(specifier) ?? []
  const here = fileURLToPath(new URL('.', import.meta.url))
  const home = findPackage(name, dir) ?? findPackage(name, here)
  if (home === undefined) {
    throw new UnknownProviderError(`package ${JSON.stringify(name)} not found in ${[dir, here].map(each => join(each, 'node_modules')).join(' or ')}, or in node_modules of a parent directory; the path of a file must start with ./`)
  }
  const { exports } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  const target = exports === undefined ? createRequire(join(home, 'package.json')).resolve(`${home}${subpath}`) : targetOf(exports, `.${subpath}`)
  if (target === undefined) throw new InvalidProviderError(`the package in ${home} does not export ${JSON.stringify(`.${subpath}`)}`)
  return resolve(home, target)
}

function findPackage (name: string, dir: string): string | undefined {
  const home = join(dir, 'node_modules', name)
  if (existsSync(join(home, 'package.json'))) return home
  return dirname(dir) === dir ? undefined : findPackage(name, dirname(dir))
}

/** `exports` of a package.json maps subpaths to targets, or is the target of the package itself. */
function targetOf (exports: unknown, subpath: string): string | undefined {
  const isMap = exports !== null && typeof exports === 'object' && Object.keys(exports).some(key => key.startsWith('.'))
  const entries = isMap ? exports as Record<string, unknown> : { '.': exports }
  if (Object.hasOwn(entries, subpath) && !subpath.includes('*')) return conditionalTarget(entries[subpath])
  const patterns = Object.keys(entries).flatMap(key => {
    const [before = '', after, ...more] = key.split('*')
    if (after === undefined || more.length > 0) return []
    const star = subpath.slice(before.length, subpath.length - after.length)
    return star !== '' && subpath === before + star + after ? [{ key, before, star }] : []
  })
  // the most specific
  const [pattern] = patterns.sort((a, b) => b.before.length - a.before.length || b.key.length - a.key.length)
  // as in Node.js, a subpath doesn't lead out of the package
  if (pattern === undefined || /(?:^|[\\/])(?:\.\.?|node_modules)(?:[\\/]|$)/i.test(pattern.star)) return undefined
  return conditionalTarget(entries[pattern.key])?.replaceAll('*', () => pattern.star)
}

const CONDITIONS = new Set(['node', 'import', 'module-sync', 'default'])

/** The first condition that holds, in the order of the package: https://nodejs.org/api/packages.html#conditional-exports */
function conditionalTarget (entry: unknown): string | undefined {
  if (typeof entry === 'string') return entry
  if (entry === null || typeof entry !== 'object') return undefined
  const candidates = Array.isArray(entry) ? entry : Object.entries(entry).filter(([condition]) => CONDITIONS.has(condition)).map(([, target]) => target)
  return candidates.map(conditionalTarget).find(target => target !== undefined)
}
