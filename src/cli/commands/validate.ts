/** `authn-webhook validate`: reports all errors of the config and of the local files that it names, without opening a provider. */
import { resolve } from 'node:path'
import { Command } from 'commander'
import { Deadline, PROVIDER_PATIENCE } from '../../authn/deadline.js'
import type { ValidateFilesContext } from '../../authn/provider.js'
import { findReservedNames } from '../../authn/reserved.js'
import type { TlsConfig } from '../../../schemas/config.js'
import type { LocatedProvider, ValidConfig } from '../../config/load.js'
import { ExitCode } from '../command-error.js'
import { ValidationError, formatFieldError, messageOf, type FieldError } from '../../errors.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../terminal.js'
import { addConfigOption } from './options.js'

interface ValidateOptions {
  readonly config?: string
  readonly online?: boolean
  readonly output: OutputFormat
}

/** An error and the file that has it. */
type LocatedError = FieldError & { readonly file: string }

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
    .option('--online', 'also check that the source of each provider is reachable')
    .addOption(outputOption)
    .addHelpText('after', `
Reads the config, users files, certificates and secrets, and reports each error with
its path and line. Opens no provider and no connection without --online. Also warns of probable
mistakes, such as a certificate that expires within 30 days or that API servers
reject, or names under system: and bcrypt hashes with a cost below 10 in a users file.

Exit code: 0 valid, perhaps with warnings; 2 errors; 69 valid, but the source of a
provider is unreachable (--online).

Examples:
  $ authn-webhook validate
  $ authn-webhook validate --config /etc/authn-webhook/config.yaml
  $ authn-webhook validate --config authn-webhook.yaml --online
  $ authn-webhook validate -o json | jq '.errors[].message'`)
    .action(async ({ config, online, output }: ValidateOptions) => {
      const { loaded, ...result } = await validate(config, terminal.env)
      const unreachable = online === true && loaded !== undefined && result.valid ? await findUnreachable(loaded) : []
      if (output === 'text') show(result, { online, unreachable }, terminal)
      else printResult(terminal, output, { ...result, ...online === true && { unreachable } }, () => [])
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
  const warn = (warning: LocatedError): void => { warnings.push(warning) }
  const locate: Locate = (field, message) => ({ file: path, path: field, line: loaded.lineOf(field), message })
  const errors = 'error' in loaded ? located(loaded.error) : []
  const tls = 'error' in loaded ? loaded.tls : loaded.config.tls
  if (tls !== undefined) errors.push(...await validateTls(tls, locate, warn))
  for (const provider of loaded.providers) errors.push(...await validateProvider(provider, { dir: loaded.dir, invalid: 'error' in loaded }, locate, warn))
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

/** Of providers whose files have no errors. */
async function findUnreachable (loaded: ValidConfig): Promise<LocatedError[]> {
  const { pingProviders } = await import('../ping-providers.js')
  return (await pingProviders(loaded)).map(({ path, message }) => ({ file: loaded.file, path, line: loaded.lineOf(path), message }))
}

/** An error at a field of the config. */
type Locate = (field: string, message: string) => LocatedError

/** Each file by itself; then certificate and key together, even if the client CA file has errors. */
async function validateTls ({ clientCAFile, ...own }: TlsConfig, locate: Locate, warn: (warning: LocatedError) => void): Promise<LocatedError[]> {
  const { readCertificates, readPrivateKey } = await import('../../certificates/pem.js')
  const { findCertificateProblems, readServingCertificate } = await import('../../certificates/serving-certificate.js')
  const { findFileField } = await import('../../config/file-field.js')
  const { certFile, keyFile } = own
  const errorsAt = async (field: string | undefined, read: () => Promise<unknown>): Promise<LocatedError[]> => {
    const result = await errorsOf(read)
    return 'errors' in result ? result.errors.map(({ file, message }) => locate(field ?? findFileField(file, own, 'tls', '') ?? 'tls', `${file}: ${message}`)) : []
  }
  const pair = [...await errorsAt('tls.certFile', async () => await readCertificates(certFile)), ...await errorsAt('tls.keyFile', async () => await readPrivateKey(keyFile))]
  const clientCA = clientCAFile === undefined ? [] : await errorsAt('tls.clientCAFile', async () => await readCertificates(clientCAFile))
  if (pair.length > 0) return [...pair, ...clientCA]
  const both = await errorsAt(undefined, async () => {
    const certificate = await readServingCertificate(clientCAFile === undefined || clientCA.length > 0 ? own : { ...own, clientCAFile })
    for (const { message } of findCertificateProblems(certificate, Date.now())) warn({ file: certFile, path: '', message })
  })
  return [...both, ...clientCA]
}

/** Errors that the provider finds in its files. An error of a whole file is located at the config field that names the file, other errors at the provider. */
async function validateProvider ({ entry, definition, path }: LocatedProvider, { dir, invalid }: { dir: string, invalid: boolean }, locate: Locate, warn: (warning: LocatedError) => void): Promise<LocatedError[]> {
  const { findFileField } = await import('../../config/file-field.js')
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
    return errors.flatMap((error) => error instanceof ValidationError ? located(error).map(atField) : [locate(path, messageOf(error))])
  }

  function atField (error: LocatedError): LocatedError {
    const field = error.path === '' && error.line === undefined ? findFileField(error.file, entry.config, `${path}.config`, dir) : undefined
    return field === undefined ? error : locate(field, `${error.file}: ${error.message}`)
  }
}

async function errorsOf<T> (read: () => Promise<T>): Promise<{ value: T } | { errors: LocatedError[] }> {
  try {
    return { value: await read() }
  } catch (error) {
    if (error instanceof ValidationError) return { errors: located(error) }
    throw error
  }
}

function located ({ file, errors }: ValidationError): LocatedError[] {
  return errors.map((error) => ({ file, ...error }))
}

function show ({ file, identityProviders = [], errors, warnings }: ValidationResult, { online = false, unreachable }: { readonly online?: boolean | undefined, readonly unreachable: readonly LocatedError[] }, terminal: Terminal): void {
  for (const error of [...errors, ...unreachable]) terminal.note(formatFieldError(error.file, error))
  for (const warning of warnings) terminal.note(`warning: ${formatFieldError(warning.file, warning)}`)
  if (errors.length > 0) terminal.note(errors.length === 1 ? '1 error' : `${errors.length} errors`)
  else terminal.print(`${file} is valid: ${identityProviders.map(({ name, kind }) => `${name} (${kind})`).join(', then ')}${online && unreachable.length === 0 ? '; every source is reachable' : ''}`)
}
