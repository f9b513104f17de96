/**
 * The URL of a server as Go, and so an API server, reads it. If Node.js's WHATWG
 * parser would silently accept something else (`https:///host`, a backslash, a
 * trailing blank), there is no URL.
 */
import { posix } from 'node:path'

/** With the path that client-go requests; `undefined` unless it is an https:// URL to both. */
export function parseServerUrl (text: string): URL | undefined {
  if (!/^https:\/\/[^/?#]/i.test(text) || /[\s\\\p{Cc}]|%(?![0-9a-f]{2})/iu.test(text) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  // as client-go's path.Join("/", path)
  url.pathname = posix.join('/', url.pathname).replace(/(?<=.)\/$/, '')
  return url
}

/** As sockets expect it: an IPv6 address without its brackets. */
export function hostOf ({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '')
}

export function portOf ({ port }: URL): number {
  return port === '' ? 443 : Number(port)
}
