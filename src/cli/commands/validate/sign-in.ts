/** The files of `login`, `sessions` and `store`. */
import type { SignInConfig } from '../../../config/absolute-paths.js'
import type { LoginConfig } from '../../../../schemas/login.js'
import { atField, errorsOf, type Findings, type LocatedError } from './located.js'
import { validateTls } from './tls.js'

/** @param config with absolute paths */
export async function validateSignInFiles (config: SignInConfig, findings: Findings): Promise<LocatedError[]> {
  const { login, sessions, store } = config
  const { readCertificates } = await import('../../../certificates/pem.js')
  const { readRevocations } = await import('../../../revocations-file/read.js')
  const reader = new FieldReader(findings)
  if (login !== undefined) reader.errors.push(...await validateLogin(login, reader, findings))
  const { revocationsFile } = sessions ?? {}
  const { caFile } = store
  await validateSessionKeys(config, reader, findings)
  if (revocationsFile !== undefined) await reader.read({ revocationsFile }, 'sessions', async () => await readRevocations(revocationsFile))
  if (caFile !== undefined) await reader.read({ caFile }, 'store', async () => await readCertificates(caFile))
  return reader.errors
}

/** Reads files, and locates their errors at the fields that name them. */
class FieldReader {
  readonly errors: LocatedError[] = []

  constructor (readonly findings: Findings) {}

  /** @returns undefined if there are errors. @param value the fields with the files */
  async read<T> (value: unknown, path: string, read: () => Promise<T>): Promise<T | undefined> {
    const result = await errorsOf(read)
    if ('value' in result) return result.value
    this.errors.push(...result.errors.map(error => atField(error, value, path, '', this.findings.locate)))
    return undefined
  }
}

async function validateLogin ({ tls, certificateAuthorityFile, signingKeys, clients }: LoginConfig, reader: FieldReader, findings: Findings): Promise<LocatedError[]> {
  const { readCertificates } = await import('../../../certificates/pem.js')
  const { readSigningKey, readSigningKeys } = await import('../../../session-keys/signing-keys.js')
  const errors = tls === undefined ? [] : await validateTls({ ...tls, clientNames: [], minVersion: 'TLSv1.2' }, { path: 'login.tls', clients: 'browsers' }, findings)
  let isComplete = true
  for (const [index, key] of signingKeys.entries()) {
    isComplete = await reader.read(key, `login.signingKeys[${index}]`, async () => await readSigningKey(key)) !== undefined && isComplete
  }
  // a key that is there twice
  if (isComplete) await reader.read(signingKeys, 'login.signingKeys', async () => await readSigningKeys(signingKeys))
  if (certificateAuthorityFile !== undefined) await reader.read({ certificateAuthorityFile }, 'login', async () => await readCertificates(certificateAuthorityFile))
  for (const [index, { cluster }] of clients.entries()) {
    const file = cluster?.certificateAuthorityFile
    if (file !== undefined) await reader.read(cluster, `login.clients[${index}].cluster`, async () => await readCertificates(file))
  }
  return errors
}

/** Warns of expired certificates, and of signing keys whose tokens this process would deny. */
async function validateSessionKeys ({ login, sessions }: SignInConfig, reader: FieldReader, { locate, warn }: Findings): Promise<void> {
  const { certFiles } = sessions ?? {}
  if (certFiles === undefined) return
  const { readVerificationKeys } = await import('../../../session-keys/verification-keys.js')
  const kids = new Set<string>()
  for (const [index, file] of certFiles.entries()) {
    const keys = await reader.read([file], 'sessions.certFiles', async () => await readVerificationKeys(file)) ?? []
    for (const { kid, validTo } of keys) {
      kids.add(kid)
      if (validTo.getTime() <= Date.now()) warn(locate(`sessions.certFiles[${index}]`, `${file}: expired on ${validTo.toISOString()}; tokens of its key are accepted all the same: rotate the key`))
    }
  }
  for (const { certFile } of login?.signingKeys ?? []) {
    const read = await errorsOf(async () => await readVerificationKeys(certFile))
    // reported already
    if ('errors' in read || reader.errors.length > 0) continue
    if (read.value.some(({ kid }) => !kids.has(kid))) warn(locate('sessions.certFiles', `lacks the key of ${certFile}, which is in login.signingKeys: its tokens are denied`))
  }
}
