/** `authn-webhook validate`: reports all errors of the config and of the local files that it names, without opening a provider. */
import { resolve } from 'node:path'
import { Command } from 'commander'
import { Deadline, PROVIDER_PATIENCE } from '../../authn/deadline.js'
import type { ValidateFilesContext } from '../../authn/provider.js'
import { findReservedNames } from '../../authn/reserved.js'
import type { LocatedProvider, ValidConfig } from '../../config/load.js'
import { ExitCode } from '../command-error.js'
import { ValidationError, formatFieldError, messageOf } from '../../errors.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../terminal.js'
import { addConfigOption } from './options.js'
import { atField, errorsOf, located, type Findings, type LocatedError } from './validate/located.js'
import { validateSignInFiles } from './validate/sign-in.js'
import { validateTls } from './validate/tls.js'

interface ValidateOptions {
  readonly config?: string
  readonly online?: boolean
  readonly output: OutputFormat
}

interface ValidationResult {
  readonly valid: boolean
  readonly file: string
  /** In the order of the chain; absent if the config has errors. */
  readonly identityProviders?: ReadonlyArray<{ name: string, kind: string }>
  readonly errors: readonly LocatedError[]
  readonly warnings: readonly LocatedError[]
}

export function validateCommand (terminal: Terminal): Command {
  return addConfigOption(new Command('validate').description('report all errors of the config and of the files it names'))
    .option('--online', 'also check that the source of each provider and the store are reachable')
    .addOption(outputOption)
    .addHelpText('after', `
Reads the config, users files, certificates and secrets, and reports each error with
its path and line. Opens no provider and no connection without --online. Also warns of probable
mistakes, such as a certificate that expires within 30 days or that API servers
reject, or names under system: and bcrypt hashes with a cost below 10 in a users file.

Exit code: 0 valid, perhaps with warnings; 2 errors; 69 valid, but the source of a
provider or the store is unreachable (--online).

Examples:
  $ authn-webhook validate
  $ authn-webhook validate --config /etc/authn-webhook/config.yaml
  $ authn-webhook validate --config authn-webhook.yaml --online
  $ authn-webhook validate -o json | jq '.errors[].message'`)
    .action(async ({ config, online, output }: ValidateOptions) => {
      const { loaded, ...result } = await validate(config, terminal.env)
      const unreachable = online === true && loaded !== undefined && result.valid ? await findUnreachable(loaded, terminal) : []
      if (output === 'text') show(result, { online, unreachable }, terminal)
      else await printResult(terminal, output, { ...result, ...online === true && { unreachable } }, () => [])
      if (!result.valid) process.exitCode = ExitCode.usage
      else if (unreachable.length > 0) process.exitCode = ExitCode.unavailable
    })
}

/** `loaded`: absent if the config has errors. */
async function validate (file: string | undefined, env: NodeJS.ProcessEnv): Promise<ValidationResult & { loaded?: ValidConfig }> {
  const { findConfig, validateConfig } = await import('../../config/load.js')
  const { findDefinition } = await import('../../config/registry.js')
  const path = findConfig({ file, env })
  const validated = await errorsOf(async () => await validateConfig({ file: path, env, findDefinition }))
  if ('errors' in validated) return { valid: false, file: path, errors: validated.errors, warnings: [] }

  const loaded = validated.value
  const warnings: LocatedError[] = []
  const findings: Findings = {
    locate: (field, message) => ({ file: path, path: field, line: loaded.lineOf(field), message }),
    warn (warning) { warnings.push(warning) }
  }
  const errors = 'error' in loaded ? located(loaded.error) : []
  const { tls, signIn } = 'error' in loaded ? loaded : { tls: loaded.config.tls, signIn: loaded.config }
  if (tls !== undefined) errors.push(...await validateTls(tls, { path: 'tls', clients: 'API servers' }, findings))
  for (const provider of loaded.providers) errors.push(...await validateProvider(provider, { dir: loaded.dir, invalid: 'error' in loaded }, findings))
  if (signIn !== undefined) errors.push(...await validateSignInFiles(signIn, findings))
  if ('error' in loaded) return { valid: false, file: path, errors, warnings }
  return {
    loaded,
    valid: errors.length === 0,
    file: path,
    identityProviders: loaded.providers.map(({ entry: { name, kind } }) => ({ name, kind })),
    errors,
    warnings: [...loaded.warnings.map((warning) => ({ file: path, ...warning })), ...warnings]
  }
}

/** Of providers and a store whose files have no errors. */
async function findUnreachable (loaded: ValidConfig, terminal: Terminal): Promise<LocatedError[]> {
  const { pingProviders } = await import('../ping-providers.js')
  const unreachable = await pingProviders(loaded, terminal)
  const store = await findStoreProblem(loaded)
  return [...unreachable, ...store === undefined ? [] : [{ path: 'store.url', message: store }]]
    .map(({ path, message }) => ({ file: loaded.file, path, line: loaded.lineOf(path), message }))
}

async function findStoreProblem ({ config: { store } }: ValidConfig): Promise<string | undefined> {
  // the client of Redis loads slowly
  if (store.kind === 'memory') return undefined
  const { findStoreProblem } = await import('../../store/reach.js')
  return await findStoreProblem(store, PROVIDER_PATIENCE)
}

/** Errors that the provider finds in its files. An error of a whole file is located at the config field that names the file, other errors at the provider. */
async function validateProvider ({ entry, definition, path }: LocatedProvider, { dir, invalid }: { dir: string, invalid: boolean }, { locate, warn }: Findings): Promise<LocatedError[]> {
  const { usernamePrefix = '', groupPrefix = '', reserved } = entry
  const ctx: ValidateFilesContext = {
    resolvePath: (path) => resolve(dir, path),
    warn,
    // prefixes and allowlists may have errors
    findReservedNames: (user) => invalid ? [] : findReservedNames(user, { usernamePrefix, groupPrefix, reserved })
  }
  const validation = async (): Promise<void> => { await definition.validateFiles?.(entry.config, ctx) }
  try {
    await new Deadline(PROVIDER_PATIENCE).race(validation(), () => new Error(`validation did not finish within ${PROVIDER_PATIENCE / 1000} s`))
    return []
  } catch (error) {
    const errors: unknown[] = error instanceof AggregateError ? error.errors : [error]
    return errors.flatMap((error) => error instanceof ValidationError ? located(error).map(each => atField(each, entry.config, `${path}.config`, dir, locate)) : [locate(path, messageOf(error))])
  }
}

function show ({ file, identityProviders = [], errors, warnings }: ValidationResult, { online = false, unreachable }: { readonly online?: boolean | undefined, readonly unreachable: readonly LocatedError[] }, terminal: Terminal): void {
  for (const error of [...errors, ...unreachable]) terminal.note(formatFieldError(error.file, error))
  for (const warning of warnings) terminal.note(`warning: ${formatFieldError(warning.file, warning)}`)
  if (errors.length > 0) terminal.note(errors.length === 1 ? '1 error' : `${errors.length} errors`)
  else terminal.print(`${file} is valid: ${identityProviders.map(({ name, kind }) => `${name} (${kind})`).join(', then ')}${online && unreachable.length === 0 ? '; every source is reachable' : ''}`)
}
