/** Adds a person's entries to a kubeconfig file, as `kubectl config` does: under its lock, and atomically. */
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { isScalar } from 'yaml'
import { Kubeconfig } from '../../schemas/kubeconfig.js'
import { decodeText } from '../documents/text.js'
import { parseDocument, validationError } from '../documents/yaml-file.js'
import { parseYamlText } from '../documents/yaml-text.js'
import { ValidationError, type FieldError } from '../errors.js'
import { withLockFiles } from '../files/lock.js'
import { readBytes, readBytesSync } from '../files/read.js'
import { signatureOf } from '../files/signature.js'
import { makeDirectory, writeFileAtomic } from '../files/write.js'
import { applyEdits } from './edit.js'
import { planMerge, type ClientEntries, type Merge } from './merge.js'

/** Thousands of clusters with their certificates. */
const MAX_BYTES = 8 * 1024 * 1024
/** Of a new file: it can have tokens of other users. */
const MODE = 0o600
const DIRECTORY_MODE = 0o700

const EMPTY = 'apiVersion: v1\nkind: Config\n'

/**
 * Starts over if another program has changed the file meanwhile, so that no change is lost.
 * @param patience milliseconds to wait for the lock of another program; for tests
 * @throws ValidationError if the file is not a kubeconfig
 * @throws KubeconfigEditError if it can't be changed without touching other entries
 */
export async function addToKubeconfig (file: string, entries: ClientEntries, { patience }: { readonly patience?: number } = {}): Promise<Merge> {
  for (;;) {
    const original = signatureOf(file) === 'ENOENT' ? undefined : await read(file)
    const { text, merge } = mergeText(original === undefined ? '' : decodeText(original, file), entries, file)
    if (merge.edits.length === 0) return merge
    await makeDirectory(dirname(resolve(file)), { mode: DIRECTORY_MODE })
    const written = await writeFileAtomic(file, text, {
      ...original === undefined && { mode: MODE },
      onlyIf: () => isUnchanged(file, original),
      lock: async (target, work) => await withLockFiles(file, lockFiles(file, target), work, { ...patience !== undefined && { patience } })
    })
    if (written) return merge
  }
}

/** client-go's, which are beside the path that is given to kubectl: the file, or a link to it. */
function lockFiles (file: string, target: string): string[] {
  return [...new Set([resolve(file), target])].sort().map(path => `${path}.lock`)
}

function mergeText (original: string, entries: ClientEntries, file: string): { text: string, merge: Merge } {
  const text = hasContents(original) ? original : `${original}${original === '' || original.endsWith('\n') ? '' : '\n'}${EMPTY}`
  const document = parseDocument<Kubeconfig>(text, { file, schema: Kubeconfig })
  const { value } = document
  const twice = (['clusters', 'users', 'contexts'] as const).flatMap(list => repeatedNames(list, value[list] ?? []))
  if (twice.length > 0) throw validationError(document, twice)
  const merge = planMerge(value, entries, file)
  return { text: applyEdits(text, merge.edits, file), merge }
}

/** Unless it is empty, or has only comments or `---`. */
function hasContents (text: string): boolean {
  const { contents } = parseYamlText(text)
  return contents !== null && !(isScalar(contents) && contents.source === '')
}

/** kubectl rejects them. */
function repeatedNames (list: string, items: ReadonlyArray<{ readonly name?: string | null }>): FieldError[] {
  const names = new Set<string>()
  return items.flatMap(({ name }, index) => {
    const repeated = names.has(name ?? '')
    names.add(name ?? '')
    return repeated ? [{ path: `${list}[${index}].name`, message: 'is a duplicate' }] : []
  })
}

async function read (file: string): Promise<Buffer> {
  const result = await readBytes(file, { maxBytes: MAX_BYTES })
  if ('error' in result) throw new ValidationError(file, [{ path: '', message: result.error }])
  return result.bytes
}

/** @param original `undefined` if the file did not exist */
function isUnchanged (file: string, original: Buffer | undefined): boolean {
  if (original === undefined) return !existsSync(file)
  const current = readBytesSync(file, { maxBytes: MAX_BYTES })
  return 'bytes' in current && current.bytes.equals(original)
}
