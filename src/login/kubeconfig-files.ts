/** The kubeconfigs that the pages offer, with the CAs that the config names. */
import type { LoginConfig } from '../../schemas/login.js'
import { readTextSync } from '../documents/text.js'
import { ValidationError } from '../errors.js'
import { createKubeconfigFile, type KubeconfigFile } from './kubeconfig.js'
import type { ClientModel } from './pages/models.js'

export type KubeconfigFiles = (variant: string, client: ClientModel) => KubeconfigFile | undefined

/**
 * CAs are read at each download, so that a replaced one needs no restart.
 * @throws ValidationError if one can't be read now
 */
export function openKubeconfigFiles ({ clients, certificateAuthorityFile }: LoginConfig): KubeconfigFiles {
  for (const { cluster } of clients) readPem(cluster?.certificateAuthorityFile)
  readPem(certificateAuthorityFile)
  return (variant, model) => createKubeconfigFile(variant, {
    ...model,
    certificateAuthority: readPem(clients.find(({ id }) => id === model.id)?.cluster?.certificateAuthorityFile),
    issuerCertificateAuthority: readPem(certificateAuthorityFile)
  })
}

function readPem (file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  const read = readTextSync(file)
  if (read.error !== undefined) throw new ValidationError(file, [{ path: '', message: read.error }])
  return read.text
}
