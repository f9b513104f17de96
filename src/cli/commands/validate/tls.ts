/** The files of a listener's `tls`. */
import type { TlsConfig } from '../../../../schemas/config.js'
import { atField, errorsOf, type Findings, type LocatedError } from './located.js'

export interface TlsPlace {
  /** Of the config: `tls`. */
  readonly path: string
  /** Who connects, for warnings. */
  readonly clients: string
}

/** Each file by itself; then certificate and key together, even if the client CA file has errors. */
export async function validateTls ({ clientCAFile, ...own }: TlsConfig, { path, clients }: TlsPlace, { locate, warn }: Findings): Promise<LocatedError[]> {
  const { readCertificates, readPrivateKey } = await import('../../../certificates/pem.js')
  const { findCertificateProblems, readServingCertificate } = await import('../../../certificates/serving-certificate.js')
  const { certFile, keyFile } = own
  const errorsAt = async (value: object, read: () => Promise<unknown>): Promise<LocatedError[]> => {
    const result = await errorsOf(read)
    return 'errors' in result ? result.errors.map(error => atField(error, value, path, '', locate)) : []
  }
  const pair = [...await errorsAt({ certFile }, async () => await readCertificates(certFile)), ...await errorsAt({ keyFile }, async () => await readPrivateKey(keyFile))]
  const clientCA = clientCAFile === undefined ? [] : await errorsAt({ clientCAFile }, async () => await readCertificates(clientCAFile))
  if (pair.length > 0) return [...pair, ...clientCA]
  const both = await errorsAt(own, async () => {
    const certificate = await readServingCertificate(clientCAFile === undefined || clientCA.length > 0 ? own : { ...own, clientCAFile })
    for (const { message } of findCertificateProblems(certificate, Date.now(), { clients })) warn({ file: certFile, path: '', message })
  })
  return [...both, ...clientCA]
}
