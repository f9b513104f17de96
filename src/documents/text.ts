/** The text of a local file, or the reason in words why there is none. */
import { FaultsError } from '../errors.js'
import { readBytes, readBytesSync, type Read, type ReadOptions } from '../files/read.js'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** @throws FaultsError where the file can't be read or isn't UTF-8 */
export async function readText (file: string, options?: ReadOptions): Promise<string> {
  return textOf(decode(await readBytes(file, options)), file)
}

/** @throws FaultsError where the bytes of the file aren't UTF-8 */
export function decodeText (bytes: Buffer, file: string): string {
  return textOf(decode({ bytes }), file)
}

function textOf ({ text, fault }: Text, file: string): string {
  if (fault !== undefined) throw new FaultsError(file, [{ path: '', message: fault }])
  return text
}

export type Text = { readonly text: string, readonly fault?: never } | { readonly text?: never, readonly fault: string }

/** The text, or why there is none, as the end of a sentence that begins with the file's path. */
export function readTextSync (file: string): Text {
  return decode(readBytesSync(file))
}

function decode (read: Read): Text {
  if ('fault' in read) return read
  try {
    return { text: utf8.decode(read.bytes) }
  } catch {
    return { fault: 'is not UTF-8 text' }
  }
}
