/** Validates the config of the provider, and the local files that it names. Contacts no issuer. */
import type { JwtProviderConfig } from '../../../schemas/providers/jwt.js'
import type { Finding, ValidateContext, ValidateFilesContext } from '../../../src/authn/provider.js'
import { readCertificates } from '../../../src/certificates/pem.js'
import { readRevocations } from '../../../src/revocations-file/read.js'
import { readConfigurationFile } from './issuers/configuration-file.js'
import { validateIssuers } from './issuers/rules.js'
import { readKeys } from './keys/file-keys.js'

export function validateConfig ({ issuers, authenticationConfigurationFile }: JwtProviderConfig, { needsLookup = false }: Pick<ValidateContext, 'needsLookup'>): Finding[] {
  const findings = validateIssuers(issuers ?? [])
  if (needsLookup) findings.push({ path: '', message: 'can\'t look up users, for which groupsFrom of another provider names this one: tokens are all that it knows of them' })
  if (issuers === undefined && authenticationConfigurationFile === undefined) return [...findings, { path: '', message: 'requires issuers or authenticationConfigurationFile' }]
  if (issuers === undefined || authenticationConfigurationFile === undefined) return findings
  return [...findings, { path: 'authenticationConfigurationFile', message: 'can\'t be set together with issuers: use one of them' }]
}

/**
 * Reads every file, even if another one is invalid.
 * @throws ValidationError that names the invalid file, or AggregateError with several
 */
export async function validateConfigFiles ({ issuers = [], authenticationConfigurationFile, revocationsFile }: JwtProviderConfig, { resolvePath, warn }: Pick<ValidateFilesContext, 'resolvePath' | 'warn'>): Promise<void> {
  const results = await Promise.allSettled([
    ...issuers.flatMap(({ issuer: { certificateAuthorityFile: file } }) => file === undefined ? [] : readCertificates(resolvePath(file))),
    ...issuers.flatMap(({ jwksFile: file }) => file === undefined ? [] : validateKeys(resolvePath(file), warn)),
    ...authenticationConfigurationFile === undefined ? [] : [validateConfigurationFile(resolvePath(authenticationConfigurationFile), warn)],
    ...revocationsFile === undefined ? [] : [readRevocations(resolvePath(revocationsFile))]
  ])
  const errors = results.flatMap(result => result.status === 'rejected' ? [result.reason as unknown] : [])
  if (errors.length === 1) throw errors[0]
  if (errors.length > 1) throw new AggregateError(errors)
}

async function validateKeys (file: string, warn: ValidateFilesContext['warn']): Promise<void> {
  const { keys } = await readKeys(file)
  if (keys.hasPrivate) warn({ file, path: 'keys', message: 'holds a private key: keep only the public ones in it' })
}

async function validateConfigurationFile (file: string, warn: ValidateFilesContext['warn']): Promise<void> {
  const { warnings } = await readConfigurationFile(file)
  warnings.forEach(warn)
}
