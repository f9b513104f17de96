/**
 * The files that pages refer to. Their names contain a digest of what is in them,
 * so that browsers may keep them for ever and never mix those of two releases.
 */
import { createHash } from 'node:crypto'
import { ICON } from './icon.js'
import { SCRIPT } from './script.js'
import { STYLESHEET } from './stylesheet.js'

export interface Asset {
  /** Media type, for the header `Content-Type`. */
  readonly type: string
  readonly body: string
}

const named = {
  stylesheet: name('css', 'text/css; charset=utf-8', STYLESHEET),
  script: name('js', 'text/javascript; charset=utf-8', SCRIPT),
  icon: name('svg', 'image/svg+xml', ICON)
}

/** By path below the path of the issuer: `/assets/….css`. */
export const assets: ReadonlyMap<string, Asset> = new Map(Object.values(named).map(({ path, asset }) => [path, asset]))

/** The path of each, below the path of the issuer. */
export const assetPaths = { stylesheet: named.stylesheet.path, script: named.script.path, icon: named.icon.path } as const

function name (extension: string, type: string, body: string): { readonly path: string, readonly asset: Asset } {
  const digest = createHash('sha256').update(body).digest('hex').slice(0, 16)
  return { path: `/assets/${digest}.${extension}`, asset: { type, body } }
}
