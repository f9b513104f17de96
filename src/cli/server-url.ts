/**
 * The URL of a server as Go reads it, since an API server is what asks there.
 * Where WHATWG's parser, which is Node's, would quietly understand something
 * else (`https:///host`, a backslash, a blank at the end), there is no URL.
 */
import { posix } from 'node:path'

/** With the path that client-go asks for; `undefined` for what is no https:// URL to both. */
export function parseServerUrl (text: string): URL | undefined {
  if (!/^https:\/\/[^/?#]/i.test(text) || /[\s\\\p{Cc}]|%(?![0-9a-f]{2})/iu.test(text) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  url.pathname = cleanPath(url.pathname)
  return url
}

/** As client-go cleans it, by `path.Join("/", path)`: no API server ever asks for a path that is not clean. */
function cleanPath (path: string): string {
  return posix.join('/', path).replace(/(?<=.)\/$/, '')
}
