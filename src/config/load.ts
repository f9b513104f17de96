/**
 * Loads the config file, once, at start: YAML, defaults, each provider's own
 * schema, rules across fields, secrets. Finds all errors at once.
 */
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { Config, type IdentityProviderConfig, type TlsConfig } from '../../schemas/config.js'
import type { ConfiguredProvider } from '../authn/open-providers.js'
import type { IdentityProviderDefinition, ValidateContext } from '../authn/provider.js'
import { resolveTls, withAbsolutePaths } from './absolute-paths.js'
import { findRuleErrors, findWarnings, providerOfGroups } from './rules.js'
import { ConfigNotFoundError, messageOf, type FieldError, type ValidationError } from '../errors.js'
import { validateDocument, validationError, type ParsedDocument } from '../documents/yaml-file.js'
import { findErrors } from '../documents/schema-errors.js'
import { resolveSecrets } from '../documents/resolve-secrets.js'
import { readText } from '../documents/text.js'

export interface LocatedProvider extends ConfiguredProvider {
  /** The path of its entry, such as `identityProviders[0]`. */
  readonly path: string
}

export interface LoadedConfig {
  /** Absolute. */
  readonly file: string
  /** Relative paths of the config start here. */
  readonly dir: string
  /** With defaults; paths are absolute, secrets behind `reveal()`. */
  readonly config: Config
  readonly providers: readonly LocatedProvider[]
  /** What is allowed but probably a mistake. */
  readonly warnings: readonly FieldError[]
}

/** Rejects with the reason if there is no definition for this `kind` and `from`. */
export type FindDefinition = (entry: IdentityProviderConfig, ctx: { dir: string }) => Promise<IdentityProviderDefinition>

interface ConfigSources {
  /** `--config`. */
  readonly file?: string | undefined
  readonly env?: NodeJS.ProcessEnv | undefined
  readonly cwd?: string | undefined
}

export interface ConfigOptions extends ConfigSources {
  readonly findDefinition: FindDefinition
}

/** @throws ValidationError, ConfigNotFoundError */
export async function loadConfig (options: ConfigOptions): Promise<LoadedConfig> {
  const validated = await validateConfig(options)
  if ('error' in validated) throw validated.error
  // `lineOf` keeps the whole text in memory
  const { lineOf, ...loaded } = validated
  return loaded
}

export interface ValidConfig extends LoadedConfig, Pick<ParsedDocument<Config>, 'lineOf'> {}

/** A config with errors, and its parts that can be validated further all the same. */
export interface InvalidConfig extends Pick<ValidConfig, 'dir' | 'lineOf'> {
  readonly error: ValidationError
  /** Those whose own `config:` has no error, except for secrets that can't be read. */
  readonly providers: readonly LocatedProvider[]
  /** As in {@link LoadedConfig.config}; absent if it has an error. */
  readonly tls?: TlsConfig
}

/** @throws ValidationError if the file is not a mapping, ConfigNotFoundError */
export async function validateConfig (options: ConfigOptions): Promise<ValidConfig | InvalidConfig> {
  const { env = process.env, findDefinition } = options
  const file = findConfig(options)
  const dir = dirname(file)
  const document = validateDocument<Config>(await readText(file, { pipes: options.file !== undefined }), { file, schema: Config })
  const { value, lineOf } = document
  const errors = [...document.errors]
  if (!isMapping(value)) throw validationError(document, errors)

  const validated = await validateProviders(document, dir, env, findDefinition)
  addNew(errors, validated.flatMap(({ errors }) => errors))
  addNew(errors, resolveSecrets(value, Config, '', dir, { env }))
  addNew(errors, findRuleErrors(value, errors))
  const providers = validated.flatMap(({ provider = [] }) => provider)
  if (errors.length > 0) {
    const tls = errors.some(({ path }) => /^tls\b(?!\.clientNames)/.test(path)) ? undefined : resolveTls(value.tls, dir)
    return { error: validationError(document, errors), dir, lineOf, providers, ...tls && { tls } }
  }

  const config = completeConfig(value, dir)
  const warnings = [...findWarnings(config), ...validated.flatMap(({ warnings = [] }) => warnings), ...await findReadableKeys(config)]
  return { file, dir, lineOf, config, providers, warnings: warnings.map(warning => ({ ...warning, line: lineOf(warning.path) })) }
}

/** @throws ConfigNotFoundError */
export function findConfig ({ file, env = process.env, cwd = process.cwd() }: ConfigSources = {}): string {
  const named = file ?? env['AUTHN_WEBHOOK_CONFIG'] ?? ''
  if (file !== undefined || named !== '') return resolve(cwd, named)
  const candidates = [resolve(cwd, 'authn-webhook.yaml'), '/etc/authn-webhook/config.yaml']
  const found = candidates.find(path => existsSync(path))
  if (found !== undefined) return found
  throw new ConfigNotFoundError(`no config file found: pass --config, set AUTHN_WEBHOOK_CONFIG, or create ${candidates.join(' or ')}; to try without one, run "authn-webhook serve --demo"`)
}

interface ValidatedEntry {
  /** Absent if its own `config:` has errors, except for secrets that can't be read. */
  readonly provider?: LocatedProvider
  readonly errors: readonly FieldError[]
  readonly warnings?: readonly FieldError[]
}

async function validateProviders ({ value, lineOf }: ParsedDocument<Config>, dir: string, env: NodeJS.ProcessEnv, findDefinition: FindDefinition): Promise<ValidatedEntry[]> {
  if (!Array.isArray(value.identityProviders)) return []
  const sources = new Set(value.identityProviders.filter(isMapping).map(providerOfGroups))
  return await Promise.all(value.identityProviders.map(async (entry, index) => {
    const path = `identityProviders[${index}]`
    // the schema and the rules report these
    if (!isMapping(entry) || typeof entry.kind !== 'string' || (entry.kind === 'module' ? typeof entry.from !== 'string' : entry.from !== undefined)) return { errors: [] }
    let definition: IdentityProviderDefinition
    try {
      definition = await findDefinition(entry, { dir })
    } catch (error) {
      return { errors: [{ path: `${path}.${entry.from === undefined ? 'kind' : 'from'}`, message: messageOf(error) }] }
    }
    return validateProvider({ entry, definition, path }, { timeout: entry.timeout, needsLookup: sources.has(entry.name) }, lineOf, dir, env)
  }))
}

/** Validates the `config:` of a provider, fills in its defaults and resolves its secrets. */
function validateProvider (provider: LocatedProvider, ctx: ValidateContext, lineOf: ParsedDocument<Config>['lineOf'], dir: string, env: NodeJS.ProcessEnv): ValidatedEntry {
  const { entry, definition, path } = provider
  const base = `${path}.config`
  let errors: FieldError[]
  try {
    errors = findErrors(entry.config, definition.schema, { base, lineOf })
  } catch (error) {
    return { errors: [{ path: `${path}.kind`, message: `the schema of this provider can't be used: ${messageOf(error)}` }] }
  }
  const findings = errors.length === 0 ? definition.validate?.(entry.config, ctx) ?? [] : []
  const located = (isWarning: boolean): FieldError[] => findings.filter(({ warning = false }) => warning === isWarning)
    .map(({ path, message }) => ({ path: path === '' ? base : `${base}.${path}`, message }))
  addNew(errors, located(false))
  const isValid = errors.length === 0
  addNew(errors, resolveSecrets(entry.config, definition.schema, base, dir, { env }))
  return { errors, warnings: located(true), ...isValid && { provider } }
}

/** Adds one error for each path that has none. */
function addNew (errors: FieldError[], more: readonly FieldError[]): void {
  const known = new Set(errors.map(({ path }) => path))
  errors.push(...more.filter(({ path }) => !known.has(path)))
}

function completeConfig (config: Config, dir: string): Config {
  for (const entry of config.identityProviders) {
    entry.usernamePrefix ??= ''
    entry.groupPrefix ??= ''
  }
  return withAbsolutePaths(config, dir)
}

/** The code that reads a key reports a missing one, and refuses a signing key that others can read. */
async function findReadableKeys ({ tls, login }: Config): Promise<FieldError[]> {
  const keys = { 'tls.keyFile': tls.keyFile, ...login?.tls && { 'login.tls.keyFile': login.tls.keyFile } }
  const modes = await Promise.all(Object.entries(keys).map(async ([path, file]) => ({ path, mode: await stat(file).then(({ mode }) => mode, () => 0) })))
  return modes.filter(({ mode }) => (mode & 0o004) !== 0)
    .map(({ path }) => ({ path, message: 'the private key is world-readable: run "chmod o-r" on it, or set the volume\'s defaultMode' }))
}

function isMapping (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
