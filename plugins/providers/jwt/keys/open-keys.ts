/** Opens the keys of an issuer: those of a file, or by discovery, with a CA that may be in a file that changes. */
import type { OpenContext } from '../../../../src/authn/provider.js'
import { readCertificates } from '../../../../src/certificates/pem.js'
import { openReloadable } from '../../../../src/files/reloadable.js'
import type { IssuerSettings } from '../issuers/issuer-settings.js'
import { fetchText } from './fetch-json.js'
import { fileKeys } from './file-keys.js'
import type { KeySource } from './key-source.js'
import { remoteKeys } from './remote-keys.js'

export interface OpenKeys extends KeySource {
  /**
   * Gets the JWT of a distributed claim, with the CA of the issuer: OpenID Connect Core, 5.6.2.
   * @throws KeySourceError
   */
  fetchClaims: (endpoint: URL, accessToken: string | undefined, signal: AbortSignal) => Promise<string>
}

/** Milliseconds; no longer than a provider's timeout. */
const CLAIMS_TIMEOUT = 2_500
const MAX_CLAIMS_BYTES = 1024 * 1024

/** @throws ValidationError for a file that can't be used */
export async function openKeys (settings: IssuerSettings, ctx: OpenContext): Promise<OpenKeys> {
  const { url, discoveryURL, jwksFile, maxKeyAge } = settings
  const ca = await openCA(settings, ctx)
  try {
    const keys = jwksFile === undefined
      ? remoteKeys({
        issuer: url,
        ...discoveryURL !== undefined && { discoveryURL },
        ca: ca.current,
        log: ctx.log,
        maxAge: maxKeyAge,
        onRefresh: error => { ctx.countEvent(error === undefined ? 'keys-refreshed' : 'keys-refresh-failed', url) },
        onKeysRemoved: ctx.invalidate
      })
      : await fileKeys(jwksFile, ctx)
    return {
      find: async (header, signal) => await keys.find(header, signal),
      findNew: async (header, signal) => await keys.findNew(header, signal),
      ping: async signal => { await keys.ping(signal) },
      fetchClaims: async (endpoint, accessToken, signal) => await fetchClaims(endpoint, accessToken, ca.current(), signal),
      close () {
        keys.close()
        ca.close()
      }
    }
  } catch (error) {
    ca.close()
    throw error
  }
}

async function fetchClaims (endpoint: URL, accessToken: string | undefined, ca: string | undefined, signal: AbortSignal): Promise<string> {
  const limits = { maxBytes: MAX_CLAIMS_BYTES, timeout: CLAIMS_TIMEOUT, deadline: AbortSignal.timeout(CLAIMS_TIMEOUT), signal }
  const headers = { accept: 'application/jwt', ...accessToken !== undefined && { authorization: `Bearer ${accessToken}` } }
  const { text } = await fetchText(endpoint, { name: 'claim source', ca, ...limits }, headers)
  return text.trim()
}

interface WatchedCA {
  /** PEM. */
  current: () => string | undefined
  close: () => void
}

async function openCA ({ certificateAuthority, certificateAuthorityFile: file }: IssuerSettings, { log, reportReload }: OpenContext): Promise<WatchedCA> {
  if (file === undefined) return { current: () => certificateAuthority, close () {} }
  const pem = await openReloadable<string>({
    name: 'CA of the issuer',
    files: [file],
    log,
    fields: { file },
    read: async () => (await readCertificates(file)).pem,
    onReload () { log.info({ file }, 'reloaded CA of the issuer; new requests use it') },
    reportReload
  })
  return { current: () => pem.current, close () { pem.close().catch(() => {}) } }
}
