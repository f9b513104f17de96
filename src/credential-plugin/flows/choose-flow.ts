/** Which flow is possible, if no option says. */
import type { ServerMetadata } from 'openid-client'
import type { FlowName } from './flow.js'

/** The metadata is that of the discovery document. */
export function chooseFlow (metadata: ServerMetadata, canOpenBrowser: boolean): FlowName {
  if (canOpenBrowser) return 'browser'
  if (metadata.device_authorization_endpoint !== undefined) return 'device-code'
  // it prints the URL
  return metadata.grant_types_supported?.includes('password') === true ? 'password' : 'browser'
}

/** Whether this process is on the computer in front of the person, with a graphical session. */
export function hasBrowser (env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): boolean {
  const has = (...names: string[]): boolean => names.some(name => (env[name] ?? '') !== '')
  if (has('SSH_CONNECTION', 'SSH_CLIENT', 'SSH_TTY')) return false
  return platform === 'darwin' || platform === 'win32' || has('DISPLAY', 'WAYLAND_DISPLAY', 'WSL_DISTRO_NAME')
}
