/** OpenID Connect Discovery 1.0: where the keys of an issuer are. */
import { fetchJSON, type FetchedDocument, type FetchOptions } from './fetch-json.js'
import { KeySourceError } from '../../../../src/errors.js'

export interface Discovery {
  readonly jwksURI: URL
  readonly headers: FetchedDocument['headers']
}

const MAX_BYTES = 64 * 1024
const MAX_URL = 2048
/** Characters of a foreign text in an error. */
const MAX_SHOWN = 200

/** @throws KeySourceError */
export async function discover (issuer: string, discoveryURL: string, options: Pick<FetchOptions, 'ca' | 'timeout' | 'deadline' | 'signal'>): Promise<Discovery> {
  const { document, headers } = await fetchJSON(new URL(discoveryURL), { ...options, name: 'discovery document', maxBytes: MAX_BYTES })
  const { issuer: stated, jwks_uri: jwksURI } = document
  if (stated !== issuer) throw new KeySourceError(`the discovery document names the issuer ${show(stated)}, the config ${show(issuer)}: they must be equal, including a "/" at the end`)
  return { jwksURI: parseURL(jwksURI), headers }
}

/** As API servers and go-oidc do: of an issuer with a path too, the path comes first. */
export function discoveryURLOf (issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
}

function parseURL (jwksURI: unknown): URL {
  if (jwksURI === undefined) throw new KeySourceError('the discovery document has no "jwks_uri": check the URL of the issuer, or set discoveryURL')
  const url = typeof jwksURI === 'string' && jwksURI.length <= MAX_URL && URL.canParse(jwksURI) ? new URL(jwksURI) : undefined
  if (url === undefined || url.username !== '' || url.password !== '') throw new KeySourceError('"jwks_uri" of the discovery document is not a URL without credentials: correct it at the issuer')
  if (url.protocol !== 'https:') throw new KeySourceError(`"jwks_uri" of the discovery document is not an https URL, but ${url.protocol}//${url.host.slice(0, MAX_SHOWN)}: correct it at the issuer, often its external URL or X-Forwarded-Proto`)
  return url
}

function show (value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, MAX_SHOWN)
}
