/** URLs as Go parses them; the URL class of JavaScript drops default ports and accepts much more. */
import { charge, spend } from './bounds.js'
import { ExpressionError } from './expression-error.js'
import type { Library } from './functions.js'

class ParsedURL {
  constructor (
    readonly scheme: string,
    readonly hostname: string,
    readonly port: string,
    readonly host: string,
    readonly path: string,
    readonly query: string
  ) {}
}

export const urls: Library = {
  types: { 'kubernetes.URL': ParsedURL },
  equality: ['kubernetes.URL'],
  functions: {
    'url(string): kubernetes.URL': (text: string) => {
      const parsed = parse(text)
      if (parsed === undefined) throw new ExpressionError('url: not an absolute URL or path')
      return parsed
    },
    'isURL(string): bool': (text: string) => parse(text) !== undefined,
    'kubernetes.URL.getScheme(): string': (url: ParsedURL) => url.scheme,
    'kubernetes.URL.getHost(): string': (url: ParsedURL) => url.host,
    'kubernetes.URL.getHostname(): string': (url: ParsedURL) => url.hostname,
    'kubernetes.URL.getPort(): string': (url: ParsedURL) => url.port,
    'kubernetes.URL.getEscapedPath(): string': (url: ParsedURL) => escapePath(url.path),
    'kubernetes.URL.getQuery(): map<string, list<string>>': (url: ParsedURL) => parseQuery(url.query)
  }
}

/** RFC 3986, appendix B. */
const PARTS = /^(?:([a-z][a-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?$/i

/** User, host (a name or an address in brackets), port. */
const AUTHORITY = /^(?:[\w.~!$&'()*+,;=:%-]*@)?(\[[0-9a-f:.]+\]|[\p{L}\p{N}_.~!$&'()*+,;=-]*)(?::(\d*))?$/iu

function parse (text: string): ParsedURL | undefined {
  spend(20 + text.length)
  if (/[\x00-\x1f\x7f]|%(?![0-9a-f]{2})/i.test(text)) return undefined // eslint-disable-line no-control-regex
  const [whole, scheme = '', authority = '', path = '', query = ''] = PARTS.exec(text) ?? []
  if (whole === undefined || (scheme === '' && !text.startsWith('/'))) return undefined
  const [matched, host = '', port] = AUTHORITY.exec(authority) ?? []
  if (matched === undefined) return undefined
  const opaque = scheme !== '' && !text.startsWith('/', scheme.length + 1)
  const hostname = host.startsWith('[') ? host.slice(1, -1) : host
  return new ParsedURL(scheme.toLowerCase(), hostname, port ?? '', port === undefined ? host : `${host}:${port}`, opaque ? '' : path, query)
}

function escapePath (path: string): string {
  spend(20 + path.length)
  return path.replace(/[^\w.~!$&'()*+,;=:@/%[\]-]+/gu, encodeURIComponent)
}

function parseQuery (query: string): Map<string, string[]> {
  spend(20 + query.length)
  const values = new Map<string, string[]>()
  for (const [name, value] of new URLSearchParams(query)) {
    const known = values.get(name)
    if (known === undefined) values.set(name, [value])
    else known.push(value)
  }
  return charge(values)
}
