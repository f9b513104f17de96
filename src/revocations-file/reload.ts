/** The revocations of a watched file. A file with errors replaces nothing and is reported. */
import { createHash } from 'node:crypto'
import type { OpenContext } from '../authn/provider.js'
import { openReloadable } from '../files/reloadable.js'
import { parseRevocations, readRevocationsBytes } from './read.js'
import type { RevocationTable, TokenClaims } from './revocations.js'

export interface Revocations {
  /** By the last valid file. */
  isRevoked: (token: TokenClaims) => boolean
  close: () => void
}

interface LoadedRevocations {
  readonly table: RevocationTable
  readonly digest: string
}

/** @throws ValidationError with every error of the file */
export async function openRevocations (file: string, ctx: Pick<OpenContext, 'log' | 'signal' | 'invalidate' | 'reportReload'>): Promise<Revocations> {
  const logSize = ({ table }: LoadedRevocations, message: string): void => { ctx.log.info({ file, revocations: table.size }, message) }
  const reloadable = await openReloadable<LoadedRevocations>({
    name: 'revocations file',
    files: [file],
    log: ctx.log,
    fields: { file },
    read: async previous => await loadRevocations(file, previous),
    onReload (next) {
      // a cached answer may be about a token that is revoked now
      ctx.invalidate()
      logSize(next, 'reloaded revocations file')
    },
    reportReload: ctx.reportReload
  })
  const close = (): void => { reloadable.close().catch(() => {}) }
  if (ctx.signal.aborted) {
    close()
    throw ctx.signal.reason
  }
  logSize(reloadable.current, 'loaded revocations file')
  return { isRevoked: token => reloadable.current.table.isRevoked(token), close }
}

async function loadRevocations (file: string, previous: LoadedRevocations | undefined): Promise<LoadedRevocations> {
  const bytes = await readRevocationsBytes(file)
  const digest = createHash('sha256').update(bytes).digest('hex')
  return digest === previous?.digest ? previous : { table: await parseRevocations(bytes, file), digest }
}
