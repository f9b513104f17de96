/** Where the pages are, below the path of the issuer. */
import type { KubeconfigVariant } from '../kubeconfig.js'
import type { Site } from './models.js'

export function homePath ({ base }: Site): string {
  return `${base}/`
}

export function clientPath ({ base }: Site, id: string): string {
  return `${base}/clients/${encodeURIComponent(id)}`
}

export function kubeconfigPath (site: Site, id: string, variant: KubeconfigVariant): string {
  return `${clientPath(site, id)}/kubeconfig/${variant}`
}

/** The endpoint `end_session` of the OpenID provider, which asks before it signs out. */
export function signOutPath ({ base }: Site): string {
  return `${base}/session/end`
}
