/**
 * From a `kind:` of the config to the definition of its provider. Each is
 * loaded when it is configured, so that nobody waits for a directory client
 * that he doesn't use.
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
  mock: async () => await import('../../plugins/providers/mock/index.js')
}

/** The words that `kind:` may be. */
export const KINDS: readonly string[] = [...Object.keys(BUILT_IN), 'module']

/** The part of a provider's config that says which one it is. */
export interface ProviderKind {
  readonly kind: string
  /** For `kind: module`: a package's name, or a path that starts with `./`, `../` or `/`. */
  readonly from?: string | undefined
}

/**
 * @param ctx `dir`: the config file's directory, where paths start and packages are looked for first;
 *   `patience`: milliseconds for a module to load, for tests
 * @throws UnknownProviderError, InvalidProviderError, ContractMismatchError
 */
export async function findDefinition ({ kind, from }: ProviderKind, ctx: { dir: string, patience?: number }): Promise<IdentityProviderDefinition> {
  if (kind === 'module') {
    if (from === undefined) throw new UnknownProviderError('"kind: module" needs "from", a package or a path that starts with ./')
    return await loadModule(from, resolve(ctx.dir), ctx.patience)
  }
  if (from !== undefined) throw new UnknownProviderError('"from" is for "kind: module" alone')
  const load = Object.hasOwn(BUILT_IN, kind) ? BUILT_IN[kind] : undefined
  if (load === undefined) throw new UnknownProviderError(`there is no kind ${JSON.stringify(kind)}; there are ${KINDS.join(', ')}`)
  return (await load()).default
}

async function loadModule (from: string, dir: string, patience = PROVIDER_PATIENCE): Promise<IdentityProviderDefinition> {
  const file = isPath(from) ? resolveFile(from, dir) : resolvePackage(from, dir)
  let module: { default?: IdentityProviderDefinition }
  try {
    // its timer also keeps a process alive that waits for nothing else
    module = await new Deadline(patience).race(import(pathToFileURL(file).href), () => { throw new Error(`it did not finish within ${patience / 1000} s; does a top-level await never end?`) })
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
  if (!existsSync(file)) throw new UnknownProviderError(`there is no file ${file}`)
  // Node.js would wait for ever at what is a pipe
  if (!statSync(file).isFile()) throw new InvalidProviderError(`${file} is not a regular file`)
  return file
}

/**
 * The file that `import 'name'` would load if it stood in the config file, else
 * in this package. Node itself answers that only behind an experimental flag,
 * and `require.resolve` doesn't see packages that are made for `import` alone.
 */
function resolvePackage (specifier: string, dir: string): string {
  const [, name = '', subpath = ''] = /^((?:@[^/]+\/)?[^/]+)(\/.+)?$/.exec(specifier) ?? []
  const places = [dir, fileURLToPath(new URL('.', import.meta.url))]
  const home = places.map(place => findPackage(name, place)).find(found => found !== undefined)
  if (home === undefined) {
    const looked = places.map(place => join(place, 'node_modules')).join(' nor in ')
    throw new UnknownProviderError(`there is no package ${JSON.stringify(name)}, neither in ${looked} nor in those of the directories above; a path starts with ./`)
  }
  const { exports } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  const target = exports === undefined ? createRequire(join(home, 'package.json')).resolve(`${home}${subpath}`) : targetOf(exports, `.${subpath}`)
  if (target === undefined) throw new InvalidProviderError(`the package in ${home} does not export ${JSON.stringify(`.${subpath}`)}`)
  return resolve(home, target)
}

function findPackage (name: string, place: string): string | undefined {
  const home = join(place, 'node_modules', name)
  if (existsSync(join(home, 'package.json'))) return home
  return dirname(place) === place ? undefined : findPackage(name, dirname(place))
}

/** `exports` of a package is a map of its subpaths, or what would stand there for the only one. */
function targetOf (exports: unknown, subpath: string): string | undefined {
  const subpaths = exports !== null && typeof exports === 'object' && Object.keys(exports).some(key => key.startsWith('.'))
  if (!subpaths) return subpath === '.' ? conditionalTarget(exports) : undefined
  const entries = exports as Record<string, unknown>
  if (Object.hasOwn(entries, subpath) && !subpath.includes('*')) return conditionalTarget(entries[subpath])
  const pattern = matchPattern(Object.keys(entries), subpath)
  return pattern && conditionalTarget(entries[pattern.key])?.replaceAll('*', () => pattern.star)
}

/** The most specific of `./*`, `./lib/*.js` and the like: the longest before its star, then the longest. */
function matchPattern (keys: readonly string[], subpath: string): { key: string, star: string } | undefined {
  const matches = keys.flatMap(key => {
    const [before, after, ...more] = key.split('*')
    if (before === undefined || after === undefined || more.length > 0) return []
    const fits = subpath.startsWith(before) && subpath.endsWith(after) && subpath.length > before.length + after.length
    return fits ? [{ key, before, star: subpath.slice(before.length, subpath.length - after.length) }] : []
  })
  const [best] = matches.sort((a, b) => b.before.length - a.before.length || b.key.length - a.key.length)
  // as Node.js: a subpath doesn't lead out of the package
  return best === undefined || /(?:^|[\\/])(?:\.\.?|node_modules)(?:[\\/]|$)/i.test(best.star) ? undefined : best
}

const CONDITIONS = new Set(['node', 'import', 'module-sync', 'default'])

/** The first that holds, in the order of the package: https://nodejs.org/api/packages.html#conditional-exports */
function conditionalTarget (entry: unknown): string | undefined {
  if (typeof entry === 'string') return entry
  if (entry === null || typeof entry !== 'object') return undefined
  const candidates = Array.isArray(entry) ? entry : Object.entries(entry).filter(([condition]) => CONDITIONS.has(condition)).map(([, target]) => target)
  return candidates.map(conditionalTarget).find(target => target !== undefined)
}
