/** The keys of `jwksFile`: watched, and never from the network. */
import { readText } from '../../../../src/documents/text.js'
import type { OpenContext } from '../../../../src/authn/provider.js'
import { ValidationError } from '../../../../src/errors.js'
import { openReloadable } from '../../../../src/files/reloadable.js'
import { KeySet } from './key-set.js'
import type { KeySource } from './key-source.js'

interface LoadedKeys {
  readonly text: string
  readonly keys: KeySet
}

/** @throws ValidationError if the file can't be read or has no usable key */
export async function fileKeys (path: string, { log, invalidate, reportReload, resolvePath }: Pick<OpenContext, 'log' | 'invalidate' | 'reportReload' | 'resolvePath'>): Promise<KeySource> {
  const file = resolvePath(path)
  const logKeys = ({ keys: { size, skipped, hasPrivate } }: LoadedKeys, message: string): void => {
    log.info({ file, keys: size, skipped }, message)
    if (hasPrivate) log.warn({ file }, 'the JWKS file holds private keys: keep only the public ones in it')
  }
  const reloadable = await openReloadable<LoadedKeys>({
    name: 'JWKS file',
    files: [file],
    log,
    fields: { file },
    read: async previous => await readKeys(file, previous),
    onReload (next) {
      invalidate()
      logKeys(next, 'reloaded JWKS file')
    },
    reportReload
  })
  logKeys(reloadable.current, 'loaded JWKS file')
  return {
    find: async header => await reloadable.current.keys.find(header),
    findNew: async () => [],
    async ping () {},
    close () { reloadable.close().catch(() => {}) }
  }
}

/** @throws ValidationError that says what is wrong with the file */
export async function readKeys (file: string, previous?: LoadedKeys): Promise<LoadedKeys> {
  const text = await readText(file)
  if (text === previous?.text) return previous
  try {
    const keys = await KeySet.parse(parseJSON(text))
    if (keys.size === 0) throw new Error('has no key that can verify signatures')
    return { text, keys }
  } catch (error) {
    throw new ValidationError(file, [{ path: '', message: (error as Error).message }])
  }
}

/** Without the text that JSON.parse would repeat: it may be that of a private key. */
function parseJSON (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('is not JSON')
  }
}
