/**
 * The CA of `tls.caFile`, and the client certificate of `tls.certFile` with its
 * key. They are read together again when one of them changes; a bad or
 * half-written set leaves the previous one.
 */
import type { LdapTlsConfig } from '../../../../schemas/providers/ldap.js'
import type { OpenContext } from '../../../../src/authn/provider.js'
import { readCertificates, readPrivateKey, refuseMismatch } from '../../../../src/certificates/pem.js'
import { openWatched } from '../../../../src/files/reload.js'
import { CABundle } from './ca-bundle.js'

/** PEM. Holds a private key: not for logs. */
export interface TlsCertificates {
  /** Absent: the CAs that Node.js trusts. */
  readonly ca?: string
  /** The client certificate, with `key`. */
  readonly cert?: string
  readonly key?: string
}

export interface TlsFiles {
  /** As of now: files change, and CAs expire. */
  current: () => TlsCertificates
  close: () => void
}

interface LoadedTlsFiles extends Omit<TlsCertificates, 'ca'> {
  readonly bundle?: CABundle
}

type Paths = Pick<LdapTlsConfig, 'caFile' | 'certFile' | 'keyFile'>

/** @throws ValidationError that names the file at fault */
export async function openTlsFiles (paths: Paths, { log, reportReload, resolvePath }: Pick<OpenContext, 'log' | 'reportReload' | 'resolvePath'>, now = Date.now): Promise<TlsFiles> {
  const files = [paths.caFile, paths.certFile, paths.keyFile].flatMap(path => path === undefined ? [] : resolvePath(path))
  if (files.length === 0) return { current: () => ({}), close () {} }
  const watched = await openWatched({
    files,
    log,
    read: async () => await readTlsFiles(paths, resolvePath),
    onReload () {
      log.info({ files }, 'reloaded the TLS files of the directory; new connections use them')
      reportReload()
    },
    onError (error) {
      log.error({ files, err: error }, 'the TLS files of the directory were not reloaded; the previous ones stay active')
      reportReload(error)
    }
  })
  return { current: () => certificatesAt(watched.current, now()), close () { watched.close().catch(() => {}) } }
}

/** @throws ValidationError that names the file at fault */
export async function readTlsFiles ({ caFile, certFile, keyFile }: Paths, resolvePath: OpenContext['resolvePath']): Promise<LoadedTlsFiles> {
  const ca = caFile === undefined ? {} : { bundle: new CABundle((await readCertificates(resolvePath(caFile))).certificates) }
  if (certFile === undefined || keyFile === undefined) return ca
  const certificate = await readCertificates(resolvePath(certFile))
  const { file, pem, key } = await readPrivateKey(resolvePath(keyFile))
  refuseMismatch(certificate, key, file)
  return { ...ca, cert: certificate.pem, key: pem }
}

/**
 * Reads each file, whatever is wrong with the others.
 * @throws ValidationError that names the file at fault, or AggregateError with several
 */
export async function validateTlsFiles ({ caFile, certFile, keyFile }: Paths, resolvePath: OpenContext['resolvePath']): Promise<void> {
  const ca = await failuresOf(caFile === undefined ? [] : [readCertificates(resolvePath(caFile))])
  const errors = [...ca, ...certFile === undefined || keyFile === undefined ? [] : await failuresOfPair({ certFile, keyFile }, resolvePath)]
  if (errors.length === 1) throw errors[0]
  if (errors.length > 1) throw new AggregateError(errors)
}

async function failuresOfPair (pair: { certFile: string, keyFile: string }, resolvePath: OpenContext['resolvePath']): Promise<unknown[]> {
  const each = await failuresOf([readCertificates(resolvePath(pair.certFile)), readPrivateKey(resolvePath(pair.keyFile))])
  return each.length > 0 ? each : await failuresOf([readTlsFiles(pair, resolvePath)])
}

async function failuresOf (reads: ReadonlyArray<Promise<unknown>>): Promise<unknown[]> {
  return (await Promise.allSettled(reads)).flatMap(read => read.status === 'rejected' ? [read.reason] : [])
}

function certificatesAt ({ bundle, ...client }: LoadedTlsFiles, now: number): TlsCertificates {
  return bundle === undefined ? client : { ...client, ca: bundle.current(now) }
}
