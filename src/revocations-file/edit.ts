/**
 * Changes a revocations file in place, as its owner would in an editor, and keeps
 * every other line. A file that has errors already is not changed.
 */
import { existsSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { isMap, isSeq, type YAMLMap } from 'yaml'
import { REVOCATIONS_VERSION, RevocationsFile, type Revocation } from '../../schemas/revocations.js'
import { parseTimestamp } from '../authn/timestamp.js'
import { decodeText } from '../documents/text.js'
import { parseDocument } from '../documents/yaml-file.js'
import { appendItems, parseYamlText, removeItems } from '../documents/yaml-text.js'
import { RevocationsFileEditError, ValidationError } from '../errors.js'
import { readBytesSync } from '../files/read.js'
import { signatureOf } from '../files/signature.js'
import { writeFileAtomic } from '../files/write.js'
import { MAX_BYTES, parseRevocations, readRevocationsBytes } from './read.js'

const KEY = 'revocations'

/** Of a new file. It has no secret, and the process that reviews may run as another user. */
const MODE = 0o644

const EMPTY = `# Revoked session tokens. "authn-webhook sessions" changes this file and keeps comments.
apiVersion: ${REVOCATIONS_VERSION}
${KEY}: []
`

/**
 * @param create begins with an empty file if it is missing
 * @throws ValidationError with every error of the file
 */
export async function openRevocationsEditor (file: string, { create = false } = {}): Promise<RevocationsEditor> {
  const missing = create && signatureOf(file) === 'ENOENT'
  const original = missing ? undefined : await readRevocationsBytes(file)
  if (original !== undefined) await parseRevocations(original, file)
  return new RevocationsEditor(file, original === undefined ? EMPTY : decodeText(original, file), {
    save: async text => await writeFileAtomic(file, text, { ...missing && { mode: MODE }, onlyIf: () => isUnchanged(file, original) })
  })
}

/** @param original `undefined` if the file did not exist */
function isUnchanged (file: string, original: Buffer | undefined): boolean {
  if (original === undefined) return !existsSync(file)
  const current = readBytesSync(file, { maxBytes: MAX_BYTES })
  return 'bytes' in current && current.bytes.equals(original)
}

export class RevocationsEditor {
  readonly #save: (text: string) => Promise<boolean>
  #entries: readonly Revocation[]
  #text: string

  /**
   * @param file for errors
   * @param options.save replaces the text that was opened; returns `false` if it has changed since
   * @throws ValidationError with every error of the text
   */
  constructor (readonly file: string, text: string, { save }: { readonly save: (text: string) => Promise<boolean> }) {
    this.#text = text
    this.#save = save
    this.#entries = this.#parse()
  }

  /** With the changes that are not saved yet. */
  get entries (): readonly Revocation[] {
    return this.#entries
  }

  add (entry: Revocation): void {
    this.#text = appendItems(this.#text, parseYamlText(this.#text).contents as YAMLMap, KEY, [entry])
    this.#entries = [...this.#entries, entry]
  }

  /**
   * Removes the entries that have expired. @param now milliseconds since the epoch
   * @returns how many
   */
  prune (now: number): number {
    const expired = this.#entries.flatMap((entry, index) => isExpired(entry, now) ? [index] : [])
    if (expired.length === 0) return 0
    const root = parseYamlText(this.#text).contents as YAMLMap
    const list = root.get(KEY)
    if (!isSeq(list) || !list.items.every(isMap)) throw this.#notEditable()
    this.#text = removeItems(this.#text, root, KEY, expired)
    this.#entries = this.#entries.filter(entry => !isExpired(entry, now))
    return expired.length
  }

  /**
   * Replaces the file atomically, or leaves it unchanged.
   * @returns `false` if the file has changed since it was opened: then nothing was written
   * @throws RevocationsFileEditError if the result would not be what was meant
   */
  async save (): Promise<boolean> {
    if (!isDeepStrictEqual(this.#parseResult(), this.#entries)) throw this.#notEditable()
    return await this.#save(this.#text)
  }

  #parseResult (): readonly Revocation[] {
    try {
      return this.#parse()
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error
      // without lines: they are those of a text that is not saved
      const errors = new ValidationError(error.file, error.errors.map(({ path, message }) => ({ path, message })))
      throw new RevocationsFileEditError(`nothing was written, since the result would have errors: ${errors.message}`, { cause: errors })
    }
  }

  #parse (): readonly Revocation[] {
    return parseDocument<RevocationsFile>(this.#text, { file: this.file, schema: RevocationsFile }).value.revocations
  }

  #notEditable (): Error {
    return new RevocationsFileEditError(`${this.file} is laid out in a way that this command can't change without touching other entries; change it in an editor`)
  }
}

/** @param now milliseconds since the epoch */
export function isExpired ({ expires }: Revocation, now: number): boolean {
  const end = expires === undefined ? undefined : parseTimestamp(expires)
  return end !== undefined && end.getTime() <= now
}
