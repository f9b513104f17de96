/**
 * `authn-webhook validate`: everything that is wrong with the config and with
 * the local files that it names. Nothing is opened and nobody is asked.
 */
import { resolve } from 'node:path'
import { Command } from 'commander'
import { Deadline, PROVIDER_PATIENCE } from '../../authn/deadline.js'
import type { ValidateFilesContext } from '../../authn/provider.js'
import { findReservedNames } from '../../authn/reserved.js'
import type { TlsConfig } from '../../../schemas/config.js'
import type { LocatedProvider } from '../../config/load.js'
import { ExitCode } from '../command-error.js'
import { ValidationError, formatFieldError, type FieldError } from '../../errors.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../terminal.js'

interface ValidateOptions {
  readonly config?: string
  readonly output: OutputFormat
}

/** An error and the file that has it. */
type LocatedError = FieldError & { readonly file: string }

interface Report {
  readonly valid: boolean
  readonly file: string
  /** In the order in which they are asked; absent where the config has errors. */
  readonly identityProviders?: ReadonlyArray<{ name: string, kind: string }>
  readonly errors: readonly LocatedError[]
  readonly warnings: readonly LocatedError[]
}

export function validateCommand (terminal: Terminal): Command {
  return new Command('validate')
    .description('find every error of the config and of the files that it names')
    .option('-c, --config <file>', 'config file; by default $AUTHN_WEBHOOK_CONFIG, ./authn-webhook.yaml, /etc/authn-webhook/config.yaml')
    .addOption(outputOption)
    .addHelpText('after', `
Reads the config, the users file, certificates and secrets, each error with its
path and line. Opens nothing and asks nobody. Ends with 0, or with 2 after errors.
Warns of what works but is probably a mistake: a certificate that expires within
30 days or that API servers refuse; names under system: and bcrypt hashes with a
cost below 10 in a users file.

Examples:
  $ authn-webhook validate
  $ authn-webhook validate --config /etc/authn-webhook/config.yaml
  $ authn-webhook validate -o json | jq '.errors[].message'`)
    .action(async ({ config, output }: ValidateOptions) => {
      const report = await validate(config, terminal.env)
      if (output !== 'text') printResult(terminal, output, report, () => [])
      else show(report, terminal)
      if (!report.valid) process.exitCode = ExitCode.usage
    })
}

async function validate (file: string | undefined, env: NodeJS.ProcessEnv): Promise<Report> {
  const { findConfig, validateConfig } = await import('../../config/load.js')
  const { findDefinition } = await import('../../config/registry.js')
  const path = findConfig({ file, env })
  const inspected = await errorsOf(async () => await validateConfig({ file: path, env, findDefinition }))
  if ('errors' in inspected) return { valid: false, file: path, errors: inspected.errors, warnings: [] }

  const loaded = inspected.value
  const warnings: LocatedError[] = []
  const warn = (warning: LocatedError): void => { warnings.push(warning) }
  const place: Place = (field, error) => ({ file: path, path: field, line: loaded.lineOf(field), message: error })
  const errors = 'error' in loaded ? located(loaded.error) : []
  const tls = 'error' in loaded ? loaded.tls : loaded.config.tls
  if (tls !== undefined) errors.push(...await checkCertificate(tls, place, warn))
  for (const provider of loaded.providers) errors.push(...await checkProvider(provider, { dir: loaded.dir, invalid: 'error' in loaded }, place, warn))
  if ('error' in loaded) return { valid: false, file: path, errors, warnings }
  return {
    valid: errors.length === 0,
    file: path,
    identityProviders: loaded.providers.map(({ entry: { name, kind } }) => ({ name, kind })),
    errors,
    warnings: [...loaded.warnings.map((warning) => ({ file: path, ...warning })), ...warnings]
  }
}

/** An error at a field of the config. */
type Place = (field: string, message: string) => LocatedError

/** Each file by itself, then certificate and key together, whatever the file of the client CA holds. */
async function checkCertificate ({ clientCAFile, ...own }: TlsConfig, place: Place, warn: (warning: LocatedError) => void): Promise<LocatedError[]> {
  const { readCertificates, readPrivateKey } = await import('../../certificates/pem.js')
  const { findCertificateProblems, readServingCertificate } = await import('../../certificates/serving-certificate.js')
  const { certFile, keyFile } = own
  const { findFileField } = await import('../../config/file-field.js')
  const check = async (field: string | undefined, read: () => Promise<unknown>): Promise<LocatedError[]> => {
    const checked = await errorsOf(read)
    return 'errors' in checked ? checked.errors.map(({ file, message }) => place(field ?? findFileField(file, own, 'tls', '') ?? 'tls', `${file}: ${message}`)) : []
  }
  const pair = [...await check('tls.certFile', async () => await readCertificates(certFile)), ...await check('tls.keyFile', async () => await readPrivateKey(keyFile))]
  const authority = clientCAFile === undefined ? [] : await check('tls.clientCAFile', async () => await readCertificates(clientCAFile))
  if (pair.length > 0) return [...pair, ...authority]
  const both = await check(undefined, async () => {
    const certificate = await readServingCertificate(clientCAFile === undefined || authority.length > 0 ? own : { ...own, clientCAFile })
    for (const { message } of findCertificateProblems(certificate, Date.now())) warn({ file: certFile, path: '', message })
  })
  return [...both, ...authority]
}

/** What the provider finds wrong with its files: of a whole file, where the config names it; what can't be told of a file, at the provider. */
async function checkProvider ({ entry, definition, path }: LocatedProvider, { dir, invalid }: { dir: string, invalid: boolean }, place: Place, warn: (warning: LocatedError) => void): Promise<LocatedError[]> {
  const { findFileField } = await import('../../config/file-field.js')
  const { usernamePrefix = '', groupPrefix = '', reserved } = entry
  const ctx: ValidateFilesContext = {
    resolvePath: (path) => resolve(dir, path),
    warn,
    // prefixes and exceptions may be among the errors
    findReservedNames: (user) => invalid ? [] : findReservedNames(user, { usernamePrefix, groupPrefix, reserved })
  }
  const check = async (): Promise<void> => { await definition.validateFiles?.(entry.config, ctx) }
  try {
    await new Deadline(PROVIDER_PATIENCE).race(check(), () => { throw new Error(`its check did not finish within ${PROVIDER_PATIENCE / 1000} s`) })
    return []
  } catch (error) {
    const errors: unknown[] = error instanceof AggregateError ? error.errors : [error]
    return errors.flatMap((error) => error instanceof ValidationError ? located(error).map(atField) : [place(path, (error as Error).message)])
  }

  function atField (error: LocatedError): LocatedError {
    const field = error.path === '' && error.line === undefined ? findFileField(error.file, entry.config, `${path}.config`, dir) : undefined
    return field === undefined ? error : place(field, `${error.file}: ${error.message}`)
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

function show ({ file, identityProviders = [], errors, warnings }: Report, terminal: Terminal): void {
  for (const error of errors) terminal.note(formatFieldError(error.file, error))
  for (const warning of warnings) terminal.note(`warning: ${formatFieldError(warning.file, warning)}`)
  if (errors.length > 0) terminal.note(errors.length === 1 ? '1 error' : `${errors.length} errors`)
  else terminal.print(`${file} is valid: ${identityProviders.map(({ name, kind }) => `${name} (${kind})`).join(', then ')}`)
}
