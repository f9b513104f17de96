/**
 * The CA bundle of `tls.caFile` and the client certificate of `tls.certFile`
 * with its key. All files are reloaded together when one of them changes; if
 * the new set is invalid or half-written, the previous one stays active.
 */
import type { X509Certificate } from 'node:crypto'
import type { LdapTlsConfig } from '../../../../schemas/providers/ldap.js'
import type { OpenContext } from '../../../../src/authn/provider.js'
import { readCertificates, readPrivateKey, assertKeyMatches } from '../../../../src/certificates/pem.js'
import { openReloadable } from '../../../../src/files/reloadable.js'

/** PEM. Holds a private key: do not log. */
export interface TlsCertificates {
  /** CA bundle. Default: the CAs that Node.js trusts. */
  readonly ca?: string
  /** Client certificate, with `key`. */
  readonly cert?: string
  readonly key?: string
}

export interface TlsFiles {
  /** As of now: files change, and CAs expire. */
  current: () => TlsCertificates
  close: () => void
}

interface LoadedTlsFiles extends Omit<TlsCertificates, 'ca'> {
  readonly bundle?: readonly X509Certificate[]
}

type Paths = Pick<LdapTlsConfig, 'caFile' | 'certFile' | 'keyFile'>
type ResolvePath = OpenContext['resolvePath']

/** @throws ValidationError that names the invalid file */
export async function openTlsFiles (paths: Paths, { log, reportReload, resolvePath }: Pick<OpenContext, 'log' | 'reportReload' | 'resolvePath'>, now = Date.now): Promise<TlsFiles> {
  const files = [paths.caFile, paths.certFile, paths.keyFile].flatMap(path => path === undefined ? [] : resolvePath(path))
  if (files.length === 0) return { current: () => ({}), close () {} }
  const content = await openReloadable<LoadedTlsFiles>({
    name: 'TLS files of the directory',
    files,
    log,
    fields: { files },
    read: async () => await readTlsFiles(paths, resolvePath),
    onReload () { log.info({ files }, 'reloaded TLS files of the directory; new connections use them') },
    reportReload
  })
  return {
    current () {
      const { bundle, ...client } = content.current
      return bundle === undefined ? client : { ...client, ca: validNow(bundle, now()).join('') }
    },
    close () { content.close().catch(() => {}) }
  }
}

/**
 * Reads every file, even if another one is invalid.
 * @throws ValidationError that names the invalid file, or AggregateError with several
 */
export async function validateTlsFiles ({ caFile, certFile, keyFile }: Paths, resolvePath: ResolvePath): Promise<void> {
  const errors = await errorsOf(caFile === undefined ? [] : [readCertificates(resolvePath(caFile))])
  if (certFile !== undefined && keyFile !== undefined) {
    const each = await errorsOf([readCertificates(resolvePath(certFile)), readPrivateKey(resolvePath(keyFile))])
    errors.push(...each.length > 0 ? each : await errorsOf([readTlsFiles({ certFile, keyFile }, resolvePath)]))
  }
  if (errors.length === 1) throw errors[0]
  if (errors.length > 1) throw new AggregateError(errors)
}

async function readTlsFiles ({ caFile, certFile, keyFile }: Paths, resolvePath: ResolvePath): Promise<LoadedTlsFiles> {
  const ca = caFile === undefined ? {} : { bundle: (await readCertificates(resolvePath(caFile))).certificates }
  if (certFile === undefined || keyFile === undefined) return ca
  const certificate = await readCertificates(resolvePath(certFile))
  const { file, pem, key } = await readPrivateKey(resolvePath(keyFile))
  assertKeyMatches(certificate, key, file)
  return { ...ca, cert: certificate.pem, key: pem }
}

async function errorsOf (reads: ReadonlyArray<Promise<unknown>>): Promise<unknown[]> {
  return (await Promise.allSettled(reads)).flatMap(read => read.status === 'rejected' ? [read.reason] : [])
}

/**
 * Without expired certificates: OpenSSL may end the path at an expired root,
 * although the server sent a cross-signed certificate of the same key that
 * leads to a valid one. If none is valid, all of them, so that the handshake
 * error says so.
 */
function validNow (bundle: readonly X509Certificate[], now: number): readonly X509Certificate[] {
  const valid = bundle.filter(({ validFrom, validTo }) => Date.parse(validFrom) <= now && now < Date.parse(validTo))
  return valid.length > 0 ? valid : bundle
}
