/** Which flows are possible, if no option says. */
import type { ServerMetadata } from 'openid-client'
import type { FlowName } from './flow.js'

/** In the order in which they are tried. */
export type Flows = readonly [FlowName, ...FlowName[]]

/**
 * The service tells which flows it has, but only at a try whether a client may use one.
 * @param metadata of the discovery document
 */
export function possibleFlows (metadata: Pick<ServerMetadata, 'device_authorization_endpoint' | 'grant_types_supported'>, canOpenBrowser: boolean): Flows {
  // there is no answer if the client may not use it: the browser shows an error
  if (canOpenBrowser) return ['browser']
  // without a browser of its own, that flow prints the URL
  const last = metadata.grant_types_supported?.includes('password') === true ? 'password' : 'browser'
  return metadata.device_authorization_endpoint === undefined ? [last] : ['device-code', last]
}

/** Whether this process is on the computer in front of the person, with a graphical session. */
export function hasBrowser (env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): boolean {
  const has = (...names: string[]): boolean => names.some(name => (env[name] ?? '') !== '')
  if (has('SSH_CONNECTION', 'SSH_CLIENT', 'SSH_TTY')) return false
  return platform === 'darwin' || platform === 'win32' || has('DISPLAY', 'WAYLAND_DISPLAY', 'WSL_DISTRO_NAME')
}
