/** The kubeconfigs that the pages offer, with the CAs that the config names. */
import type { LoginConfig } from '../../schemas/login.js'
import { readCertificates } from '../certificates/pem.js'
import { createKubeconfigFile, type KubeconfigFile } from './kubeconfig.js'
import type { ClientModel } from './pages/models.js'

export type KubeconfigFiles = (variant: string, client: ClientModel) => Promise<KubeconfigFile | undefined>

/**
 * CAs are read at each download, so that a replaced one needs no restart.
 * @throws ValidationError if one can't be read now, or is no certificate
 */
export async function openKubeconfigFiles ({ clients, certificateAuthorityFile }: LoginConfig): Promise<KubeconfigFiles> {
  for (const { cluster } of clients) await readPem(cluster?.certificateAuthorityFile)
  await readPem(certificateAuthorityFile)
  return async (variant, model) => createKubeconfigFile(variant, {
    ...model,
    certificateAuthority: await readPem(clients.find(({ id }) => id === model.id)?.cluster?.certificateAuthorityFile),
    issuerCertificateAuthority: await readPem(certificateAuthorityFile)
  })
}

/** Refuses a private key: the file goes to every user. */
async function readPem (file: string | undefined): Promise<string | undefined> {
  return file === undefined ? undefined : (await readCertificates(file)).pem
}
