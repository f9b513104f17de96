/** The text of a local file, or the reason why it can't be read. */
import { ValidationError } from '../errors.js'
import { readBytes, readBytesSync, type Read, type ReadOptions } from '../files/read.js'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** @throws ValidationError if the file can't be read or isn't UTF-8 */
export async function readText (file: string, options?: ReadOptions): Promise<string> {
  return textOf(decode(await readBytes(file, options)), file)
}

/** @throws ValidationError if the bytes aren't UTF-8 */
export function decodeText (bytes: Buffer, file: string): string {
  return textOf(decode({ bytes }), file)
}

function textOf ({ text, error }: Text, file: string): string {
  if (error !== undefined) throw new ValidationError(file, [{ path: '', message: error }])
  return text
}

export type Text = { readonly text: string, readonly error?: never } | { readonly text?: never, readonly error: string }

/** `error` ends a sentence that begins with the file's path. */
export function readTextSync (file: string): Text {
  return decode(readBytesSync(file))
}

function decode (read: Read): Text {
  if ('error' in read) return read
  try {
    return { text: utf8.decode(read.bytes) }
  } catch {
    return { error: 'is not UTF-8 text' }
  }
}
