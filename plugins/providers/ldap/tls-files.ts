/** The certificates of `tls.caFile`, read again when the file changes; a bad version leaves the last good one. */
import type { OpenContext } from '../../../src/authn/provider.js'
import { readCertificates } from '../../../src/files/pem.js'
import { watchFiles } from '../../../src/files/watch.js'

export interface Authorities {
  /** PEM; `undefined`: those that Node.js trusts. */
  readonly pem: string | undefined
  close: () => void
}

/** @throws FaultsError where the file can't be read, or holds no certificates */
export async function openAuthorities (file: string | undefined, { log, reloaded }: Pick<OpenContext, 'log' | 'reloaded'>): Promise<Authorities> {
  if (file === undefined) return { pem: undefined, close () {} }
  // before the first read: nothing that changes meanwhile is missed
  const watch = watchFiles([file], () => { reading = reading.then(reload) }, { log })
  // one after the other: a slow reading must not overtake the next
  let reading = Promise.resolve()
  const authorities = { pem: '', close: () => { watch.close() } }
  try {
    authorities.pem = (await readCertificates(file)).pem
    return authorities
  } catch (error) {
    watch.close()
    throw error
  }

  async function reload (): Promise<void> {
    try {
      authorities.pem = (await readCertificates(file!)).pem
      log.info({ file }, 'the directory\'s authorities were read again; new connections are held against them')
      reloaded()
    } catch (error) {
      log.error({ file, err: error }, 'the directory\'s authorities were not taken over; the last good ones stay in force')
      reloaded(error)
    }
  }
}
