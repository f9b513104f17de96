/**
 * An `AuthenticationConfiguration` of the API server, which this service reads as
 * the API server would: unknown fields are errors, ours included, so that the
 * same file works in both.
 */
import { AuthenticationConfiguration } from '../../../../schemas/authentication-configuration.js'
import { JwtAuthenticators, type JwtAuthenticator } from '../../../../schemas/providers/jwt.js'
import type { FileWarning, Finding, OpenContext } from '../../../../src/authn/provider.js'
import { findErrors } from '../../../../src/documents/schema-errors.js'
import { readText } from '../../../../src/documents/text.js'
import { validateDocument, validationError, type ParsedDocument } from '../../../../src/documents/yaml-file.js'
import { MAX_ERRORS } from '../../../../src/errors.js'
import { openReloadable } from '../../../../src/files/reloadable.js'
import { resolveIssuers, type IssuerSettings } from './issuer-settings.js'
import { validateIssuer, validateUnique } from './rules.js'

export interface ConfigurationFile {
  readonly authenticators: readonly JwtAuthenticator[]
  readonly warnings: readonly FileWarning[]
}

export interface WatchedIssuers {
  /** Those of the last valid file. */
  readonly current: readonly IssuerSettings[]
  close: () => void
}

interface LoadedFile {
  readonly text: string
  readonly issuers: readonly IssuerSettings[]
  readonly warnings: readonly FileWarning[]
}

/** Puts new issuers to use; cached answers are dropped afterwards. */
export type UseIssuers = (issuers: readonly IssuerSettings[]) => void | Promise<void>

/** @throws ValidationError with every error of the file */
export async function openConfigurationFile (file: string, ctx: Pick<OpenContext, 'log' | 'signal' | 'invalidate' | 'reportReload'>, useIssuers: UseIssuers): Promise<WatchedIssuers> {
  const logFile = ({ issuers, warnings }: LoadedFile, message: string): void => {
    ctx.log.info({ file, issuers: issuers.length }, message)
    for (const { message, ...place } of warnings) ctx.log.warn(place, message)
  }
  const reloadable = await openReloadable<LoadedFile>({
    name: 'authentication configuration',
    files: [file],
    log: ctx.log,
    fields: { file },
    read: async previous => await loadFile(file, previous),
    async onReload (next) {
      await useIssuers(next.issuers)
      ctx.invalidate()
      logFile(next, 'reloaded authentication configuration')
    },
    reportReload: ctx.reportReload
  })
  const close = (): void => { reloadable.close().catch(() => {}) }
  if (ctx.signal.aborted) {
    close()
    throw ctx.signal.reason
  }
  logFile(reloadable.current, 'loaded authentication configuration')
  return { get current () { return reloadable.current.issuers }, close }
}

/** @throws ValidationError with every error, also if the file can't be read */
export async function readConfigurationFile (file: string): Promise<ConfigurationFile> {
  return parseConfiguration(await readText(file), file)
}

async function loadFile (file: string, previous: LoadedFile | undefined): Promise<LoadedFile> {
  const text = await readText(file)
  if (text === previous?.text) return previous
  const { authenticators, warnings } = parseConfiguration(text, file)
  // a file of the API server names no other files
  return { text, issuers: resolveIssuers(authenticators, path => path), warnings }
}

/**
 * @param file for errors
 * @throws ValidationError with every error, in the order of lines
 */
export function parseConfiguration (text: string, file: string): ConfigurationFile {
  const document = validateDocument<AuthenticationConfiguration>(text, { file, schema: AuthenticationConfiguration })
  const findings = findFindings(document)
  const errors = [...document.errors, ...findings.filter(({ warning }) => warning !== true)]
  if (errors.length > 0) throw validationError(document, errors)
  const { value: { jwt, anonymous }, lineOf } = document
  const warnings = findings.map(({ path, message }) => ({ file, path, line: lineOf(path), message }))
  if (jwt.length === 0) warnings.push({ file, path: 'jwt', line: lineOf('jwt'), message: 'has no issuers: this provider authenticates nobody' })
  if (anonymous !== undefined) warnings.push({ file, path: 'anonymous', line: lineOf('anonymous'), message: 'has no effect: the API server itself decides about requests without credentials' })
  return { authenticators: jwt as JwtAuthenticator[], warnings }
}

/** What the rules find, also if other parts of the file have errors. */
function findFindings ({ value, errors }: ParsedDocument<AuthenticationConfiguration>): Finding[] {
  const jwt: unknown = value?.jwt
  // of very many errors, not all are known, nor which authenticators are valid
  if (!Array.isArray(jwt) || errors.length > MAX_ERRORS) return []
  const invalid = new Set(errors.map(({ path }) => /^jwt\[\d+\]/.exec(path)?.[0]))
  const located = jwt.map((authenticator: JwtAuthenticator, index) => ({ authenticator, path: `jwt[${index}]` }))
  const valid = located.filter(({ path }) => !invalid.has(path))
  // fills in the defaults of our own fields
  findErrors(valid.map(({ authenticator }) => authenticator), JwtAuthenticators)
  const findings = valid.flatMap(({ authenticator, path }) => validateIssuer(authenticator, path))
  return valid.length === located.length ? [...findings, ...validateUnique(jwt, 'jwt')] : findings
}
