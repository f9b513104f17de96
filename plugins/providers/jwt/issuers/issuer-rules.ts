/** The rules for `issuer`: URLs, audiences, CA. */
import type { JwtAuthenticator } from '../../../../schemas/providers/jwt.js'
import type { Finding } from '../../../../src/authn/provider.js'
import { parseCertificates } from '../../../../src/certificates/pem.js'
import { ValidationError } from '../../../../src/errors.js'

const DISCOVERY = '/.well-known/openid-configuration'

export function * validateIssuerFields (issuer: JwtAuthenticator['issuer'], jwksFile: string | undefined, path: string): Generator<Finding> {
  yield * validateURLs(issuer, path)
  if (issuer.audiences.length > 1 && issuer.audienceMatchPolicy !== 'MatchAny') {
    yield { path: `${path}.audienceMatchPolicy`, message: 'must be MatchAny when there are several audiences' }
  }
  yield * validateCA(issuer, path)
  if (jwksFile !== undefined && (issuer.discoveryURL ?? '') !== '') {
    yield { path: `${path}.discoveryURL`, message: 'has no effect with jwksFile, which replaces discovery: remove one of them' }
  }
  if ((issuer.egressSelectorType ?? '') !== '') {
    yield { path: `${path}.egressSelectorType`, message: 'has no effect: egress selectors are part of the API server; this service connects directly, or through the proxy in HTTPS_PROXY', warning: true }
  }
}

function * validateURLs ({ url, discoveryURL = '' }: JwtAuthenticator['issuer'], path: string): Generator<Finding> {
  const error = url.endsWith(DISCOVERY) ? `is the URL of the discovery document: remove ${DISCOVERY}` : findURLError(url)
  if (error !== undefined) yield { path: `${path}.url`, message: error }
  if (discoveryURL === '') return
  const discoveryError = findURLError(discoveryURL)
  if (discoveryError !== undefined) yield { path: `${path}.discoveryURL`, message: discoveryError }
  else if (withoutSlashes(discoveryURL) === withoutSlashes(url)) {
    yield { path: `${path}.discoveryURL`, message: 'must differ from url: it is the URL of the discovery document itself, such as https://sso.example.com/.well-known/openid-configuration' }
  }
}

function findURLError (text: string): string | undefined {
  if (!/^https:\/\//i.test(text)) return 'must start with https://'
  // the parser drops line breaks and takes \ for /
  if (!URL.canParse(text) || /[\s\\]/.test(text)) return 'is not a URL such as https://sso.example.com'
  const { username, password } = new URL(text)
  if (username !== '' || password !== '') return 'must not contain a username or password'
  if (text.includes('?')) return 'must not contain a query'
  return text.includes('#') ? 'must not contain a fragment' : undefined
}

function withoutSlashes (url: string): string {
  return url.replace(/\/+$/, '')
}

function * validateCA ({ certificateAuthority = '', certificateAuthorityFile }: JwtAuthenticator['issuer'], path: string): Generator<Finding> {
  if (certificateAuthority === '') return
  if (certificateAuthorityFile !== undefined) yield { path: `${path}.certificateAuthorityFile`, message: 'can\'t be set together with certificateAuthority' }
  try {
    parseCertificates(certificateAuthority, '')
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error
    yield * error.errors.map(({ message }) => ({ path: `${path}.certificateAuthority`, message }))
  }
}
