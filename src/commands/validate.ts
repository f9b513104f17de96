/**
 * `authn-webhook validate`: everything that is wrong with the config and with
 * the local files that it names. Nothing is opened and nobody is asked.
 */
import { resolve } from 'node:path'
import { Command } from 'commander'
import type { CheckContext } from '../authn/provider.js'
import { findReservedNames } from '../authn/reserved.js'
import type { ConfiguredProvider, LoadedConfig } from '../config.js'
import { ExitCode, FaultsError, formatFault, type Fault } from '../errors.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../terminal.js'

interface ValidateOptions {
  readonly config?: string
  readonly output: OutputFormat
}

/** A fault and the file that has it. */
type FileFault = Fault & { readonly file: string }

interface Report {
  readonly valid: boolean
  readonly file: string
  /** In the order in which they are asked; absent where the config has faults. */
  readonly identityProviders?: ReadonlyArray<{ name: string, kind: string }>
  readonly faults: readonly FileFault[]
  readonly warnings: readonly FileFault[]
}

export function validateCommand (terminal: Terminal): Command {
  return new Command('validate')
    .description('find every fault of the config and of the files that it names')
    .option('-c, --config <file>', 'config file; by default $AUTHN_WEBHOOK_CONFIG, ./authn-webhook.yaml, /etc/authn-webhook/config.yaml')
    .addOption(outputOption)
    .addHelpText('after', `
Reads the config, the users file, certificates and secrets, each fault with its
path and line. Opens nothing and asks nobody. Ends with 0, or with 2 after faults.
Warns of what works and is hardly meant: a certificate that expires within 30
days or that API servers refuse; names under system: and bcrypt hashes with a
cost below 10 in a users file.

Examples:
  $ authn-webhook validate
  $ authn-webhook validate --config /etc/authn-webhook/config.yaml
  $ authn-webhook validate -o json | jq '.faults[].message'`)
    .action(async ({ config, output }: ValidateOptions) => {
      const report = await validate(config, terminal.env)
      if (output !== 'text') printResult(terminal, output, report, () => [])
      else show(report, terminal)
      if (!report.valid) process.exitCode = ExitCode.usage
    })
}

async function validate (file: string | undefined, env: NodeJS.ProcessEnv): Promise<Report> {
  const { findConfig, inspectConfig } = await import('../config.js')
  const { findDefinition } = await import('../providers.js')
  const path = findConfig({ file, env })
  const inspected = await faultsOf(path, async () => await inspectConfig({ file: path, env, kinds: findDefinition }))
  if ('faults' in inspected) return { valid: false, file: path, faults: inspected.faults, warnings: [] }

  const loaded = inspected.value
  const warnings: FileFault[] = []
  const warn = (warning: FileFault): void => { warnings.push(warning) }
  const faults = 'error' in loaded ? located(loaded.error) : await checkCertificate(loaded, warn)
  for (const provider of loaded.providers) faults.push(...await checkProvider(provider, loaded.dir, path, warn))
  if ('error' in loaded) return { valid: false, file: path, faults, warnings }
  return {
    valid: faults.length === 0,
    file: path,
    identityProviders: loaded.providers.map(({ slot: { name, kind } }) => ({ name, kind })),
    faults,
    warnings: [...loaded.warnings.map((warning) => ({ file: path, ...warning })), ...warnings]
  }
}

/** Each file by itself, and what they are together once each is good. */
async function checkCertificate ({ file, config: { tls } }: LoadedConfig, warn: (warning: FileFault) => void): Promise<FileFault[]> {
  const { readCertificates, readPrivateKey } = await import('../files/pem.js')
  const { findCertificateProblems, readServingCertificate } = await import('../files/serving-certificate.js')
  const reads: Array<() => Promise<unknown>> = [async () => await readCertificates(tls.certFile), async () => await readPrivateKey(tls.keyFile)]
  const { clientCAFile } = tls
  if (clientCAFile !== undefined) reads.push(async () => await readCertificates(clientCAFile))
  const faults = await collectFaults(file, reads)
  if (faults.length > 0) return faults
  return await collectFaults(file, [async () => {
    const certificate = await readServingCertificate(tls)
    for (const { message } of findCertificateProblems(certificate, Date.now())) warn({ file: tls.certFile, path: '', message })
  }])
}

async function collectFaults (file: string, reads: ReadonlyArray<() => Promise<unknown>>): Promise<FileFault[]> {
  const results = await Promise.all(reads.map(async (read) => await faultsOf(file, read)))
  return results.flatMap((result) => 'faults' in result ? result.faults : [])
}

/** What the provider finds wrong with its files; where it can't say in which, the config's line about it is at fault. */
async function checkProvider ({ slot, definition }: ConfiguredProvider, dir: string, file: string, warn: (warning: FileFault) => void): Promise<FileFault[]> {
  const { usernamePrefix = '', groupPrefix = '', reserved } = slot
  const ctx: CheckContext = {
    resolvePath: (path) => resolve(dir, path),
    warn,
    findReservedNames: (user) => findReservedNames(user, { usernamePrefix, groupPrefix, reserved })
  }
  const checked = await faultsOf(file, async () => await definition.check?.(slot.config, ctx), `identity provider ${slot.name}: `)
  return 'faults' in checked ? checked.faults : []
}

async function faultsOf<T> (file: string, read: () => Promise<T>, about?: string): Promise<{ value: T } | { faults: FileFault[] }> {
  try {
    return { value: await read() }
  } catch (error) {
    if (error instanceof FaultsError) return { faults: located(error) }
    if (about === undefined) throw error
    return { faults: [{ file, path: '', message: `${about}${(error as Error).message}` }] }
  }
}

function located ({ file, faults }: FaultsError): FileFault[] {
  return faults.map((fault) => ({ file, ...fault }))
}

function show ({ file, identityProviders = [], faults, warnings }: Report, terminal: Terminal): void {
  for (const fault of faults) terminal.note(formatFault(fault.file, fault))
  for (const warning of warnings) terminal.note(`warning: ${formatFault(warning.file, warning)}`)
  if (faults.length > 0) terminal.note(faults.length === 1 ? '1 fault' : `${faults.length} faults`)
  else terminal.print(`${file} is valid: ${identityProviders.map(({ name, kind }) => `${name} (${kind})`).join(', then ')}`)
}
