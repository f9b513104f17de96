/**
 * The config file: found, read, checked as a whole, once at start. YAML →
 * defaults → each provider's own schema → rules across fields → secret
 * references. All errors come at once, with path and line.
 */
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { Config, type IdentityProviderConfig, type TlsConfig } from '../../schemas/config.js'
import type { ConfiguredProvider } from '../authn/open-providers.js'
import type { Finding, IdentityProviderDefinition } from '../authn/provider.js'
import { checkRules, findWarnings } from './rules.js'
import { ConfigNotFoundError, type FieldError, type ValidationError } from '../errors.js'
import { draftDocument, validationError, type Draft } from '../documents/yaml-file.js'
import { findErrors } from '../documents/schema-errors.js'
import { resolveSecrets } from '../documents/secret-places.js'
import { readText } from '../documents/text.js'

export interface LoadedProvider extends ConfiguredProvider {
  /** The path of its entry, such as `identityProviders[0]`. */
  readonly at: string
}

export interface LoadedConfig {
  /** Absolute. */
  readonly file: string
  /** Where relative paths of the config start. */
  readonly dir: string
  /** With defaults; paths are absolute, secrets behind `reveal()`. */
  readonly config: Config
  /** In the order in which they are asked. */
  readonly providers: readonly LoadedProvider[]
  /** What is allowed but probably a mistake. */
  readonly warnings: readonly FieldError[]
}

/** From a provider's `kind` and `from` to its definition; rejects where there is none, and says why. */
export type FindDefinition = (entry: IdentityProviderConfig, ctx: { dir: string }) => Promise<IdentityProviderDefinition>

export interface ConfigOptions {
  /** `--config`. */
  readonly file?: string | undefined
  readonly env?: NodeJS.ProcessEnv | undefined
  readonly cwd?: string | undefined
  readonly kinds: FindDefinition
}

/** @throws ValidationError, or ConfigNotFoundError where no config is found */
export async function loadConfig (options: ConfigOptions): Promise<LoadedConfig> {
  const inspection = await inspectConfig(options)
  if ('error' in inspection) throw inspection.error
  // it holds the whole text
  const { lineOf, ...loaded } = inspection
  return loaded
}

export interface InspectedConfig extends LoadedConfig, Pick<Draft<Config>, 'lineOf'> {}

/** A config that is wrong, and what can be looked into all the same. */
export interface InvalidConfig extends Pick<InspectedConfig, 'dir' | 'lineOf'> {
  readonly error: ValidationError
  /** Those whose own `config:` has no error, but that secrets may be missing. */
  readonly providers: readonly LoadedProvider[]
  /** As in {@link LoadedConfig.config}; absent where it has an error. */
  readonly tls?: TlsConfig
}

/** @throws ValidationError where the file has no form at all, ConfigNotFoundError where no config is found */
export async function inspectConfig (options: ConfigOptions): Promise<InspectedConfig | InvalidConfig> {
  const { env = process.env, kinds } = options
  const file = findConfig(options)
  const dir = dirname(file)
  const draft = draftDocument<Config>(await readText(file, { pipes: options.file !== undefined }), { file, schema: Config })
  const errors = [...draft.errors]
  if (!isMapping(draft.value)) throw validationError(draft, errors)

  const found = await configureProviders(draft, dir, kinds, env)
  addNews(errors, found.flatMap(entry => entry.errors))
  addNews(errors, resolveSecrets(draft.value, Config, '', dir, { env }))
  addNews(errors, checkRules(draft.value, errors))
  const providers = found.flatMap(({ provider }) => provider ?? [])
  const { lineOf } = draft
  if (errors.length > 0) {
    const tls = errors.some(({ path }) => /^tls\b(?!\.clientNames)/.test(path)) ? undefined : completeTls(draft.value.tls, dir)
    return { error: validationError(draft, errors), dir, lineOf, providers, ...tls && { tls } }
  }

  const config = completeConfig(draft.value, dir)
  const warnings = [...findWarnings(config), ...found.flatMap(({ warnings = [] }) => warnings), ...await findOpenKey(config)].map((warning) => ({ ...warning, line: lineOf(warning.path) }))
  return { file, dir, lineOf, config, providers, warnings }
}

/** Where a config is looked for. @throws ConfigNotFoundError where there is none */
export function findConfig ({ file, env = process.env, cwd = process.cwd() }: Omit<ConfigOptions, 'kinds'> = {}): string {
  if (file !== undefined) return resolve(cwd, file)
  const named = env['AUTHN_WEBHOOK_CONFIG'] ?? ''
  if (named !== '') return resolve(cwd, named)
  const places = [resolve(cwd, 'authn-webhook.yaml'), '/etc/authn-webhook/config.yaml']
  const place = places.find((path) => existsSync(path))
  if (place !== undefined) return place
  throw new ConfigNotFoundError(`there is no config: neither --config nor $AUTHN_WEBHOOK_CONFIG names one, nor is there ${places.join(' or ')}; to try without one, "authn-webhook serve --demo"`)
}

interface ProviderFinding {
  /** Absent where its own `config:` has errors; a secret that is missing does not count. */
  readonly provider?: LoadedProvider
  readonly errors: readonly FieldError[]
  readonly warnings?: readonly FieldError[]
}

/** Each provider's definition, with its own `config:` checked by it, defaults filled in and secrets resolved. */
async function configureProviders ({ value, lineOf }: Draft<Config>, dir: string, kinds: FindDefinition, env: NodeJS.ProcessEnv): Promise<ProviderFinding[]> {
  if (!Array.isArray(value.identityProviders)) return []
  return await Promise.all(value.identityProviders.map(async (entry, index) => {
    const at = `identityProviders[${index}]`
    if (!isMapping(entry) || typeof entry.kind !== 'string' || !fitsKind(entry)) return { errors: [] }
    let definition: IdentityProviderDefinition
    try {
      definition = await kinds(entry, { dir })
    } catch (error) {
      return { errors: [{ path: `${at}.${entry.from === undefined ? 'kind' : 'from'}`, message: (error as Error).message }] }
    }
    const own = checkOwnConfig(entry, definition, at, lineOf)
    const findings = own.length === 0 ? definition.validate?.(entry.config, { timeout: entry.timeout }) ?? [] : []
    addNews(own, findings.filter(({ warning }) => warning !== true).map(finding => locate(finding, at)))
    const sound = own.length === 0
    addNews(own, resolveSecrets(entry.config, definition.schema, `${at}.config`, dir, { env }))
    const warnings = findings.filter(({ warning }) => warning === true).map(finding => locate(finding, at))
    return { errors: own, warnings, ...sound && { provider: { entry, definition, at } } }
  }))
}

/** From a path below a provider's `config:` to one of the document. */
function locate ({ path, message }: Finding, at: string): FieldError {
  return { path: path === '' ? `${at}.config` : `${at}.config.${path}`, message }
}

/** Whether `from` is there exactly where it belongs; the rules tell where it isn't. */
function fitsKind ({ kind, from }: IdentityProviderConfig): boolean {
  return kind === 'module' ? typeof from === 'string' : from === undefined
}

function checkOwnConfig (entry: IdentityProviderConfig, { schema }: IdentityProviderDefinition, at: string, lineOf: Draft<Config>['lineOf']): FieldError[] {
  try {
    return findErrors(entry.config, schema, { base: `${at}.config`, lineOf })
  } catch (error) {
    return [{ path: `${at}.kind`, message: `the schema of this provider can't be used: ${(error as Error).message}` }]
  }
}

/** One error a path is enough. */
function addNews (errors: FieldError[], more: readonly FieldError[]): void {
  const known = new Set(errors.map(({ path }) => path))
  for (const error of more) if (!known.has(error.path)) errors.push(error)
}

function completeConfig (config: Config, dir: string): Config {
  for (const entry of config.identityProviders) {
    entry.usernamePrefix ??= ''
    entry.groupPrefix ??= ''
  }
  return { ...config, tls: completeTls(config.tls, dir) }
}

function completeTls (tls: TlsConfig, dir: string): TlsConfig {
  const { certFile, keyFile, clientCAFile } = tls
  const complete = { ...tls, certFile: resolve(dir, certFile), keyFile: resolve(dir, keyFile) }
  if (clientCAFile !== undefined) complete.clientCAFile = resolve(dir, clientCAFile)
  return complete
}

/** A missing key is for whoever reads it to tell. */
async function findOpenKey ({ tls: { keyFile } }: Config): Promise<FieldError[]> {
  const mode = await stat(keyFile).then(({ mode }) => mode, () => 0)
  return (mode & 0o004) === 0 ? [] : [{ path: 'tls.keyFile', message: 'every user of this machine may read the private key; "chmod o-r" it, or set the volume\'s defaultMode' }]
}

function isMapping (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
