/**
 * What a directory's answer says, read by nothing of what is tested: an answer
 * that this can't read is none, whatever else may be made of it.
 */

interface Node {
  readonly tag: number
  readonly bytes: Buffer
  /** Of what is constructed. */
  readonly children: readonly Node[]
}

export interface Said {
  readonly operation: number
  /** Of what ends an answer. */
  readonly code: number | undefined
}

/** The messages of one answer, up to the one that ends it; `undefined` where one is not well-formed, or there is no end. */
export function readAnswer (bytes: Buffer, id: number): Said[] | undefined {
  const said: Said[] = []
  for (let at = 0; at < bytes.length;) {
    const end = endOf(bytes, at)
    const [message] = end === undefined ? [] : nodes(bytes.subarray(at, end)) ?? []
    const [first, operation] = message?.children ?? []
    if (message?.tag !== 0x30 || first?.tag !== 0x02 || operation === undefined || numberOf(first) !== id) return undefined
    const [code, matched, words] = operation.children
    const isResult = code?.tag === 0x0a && matched?.tag === 0x04 && words?.tag === 0x04
    said.push({ operation: operation.tag, code: isResult ? numberOf(code) : undefined })
    if (isResult) return said
    at = end!
  }
  return undefined
}

function nodes (bytes: Buffer): Node[] | undefined {
  const found: Node[] = []
  for (let at = 0; at < bytes.length;) {
    const end = endOf(bytes, at)
    if (end === undefined) return undefined
    const tag = bytes[at]!
    const content = bytes.subarray(at + 2 + sizeOfLength(bytes[at + 1]!), end)
    const children = (tag & 0x20) === 0 ? [] : nodes(content)
    if (children === undefined) return undefined
    found.push({ tag, bytes: content, children })
    at = end
  }
  return found
}

/** Where the element that begins there ends; `undefined` where it has no end that lies within. */
function endOf (bytes: Buffer, at: number): number | undefined {
  const first = bytes[at + 1]
  if (first === undefined || (bytes[at]! & 31) === 31 || first === 0x80 || first > 0x84) return undefined
  const size = sizeOfLength(first)
  const start = at + 2 + size
  if (start > bytes.length) return undefined
  const end = start + (size === 0 ? first : bytes.readUIntBE(at + 2, size))
  return end > bytes.length ? undefined : end
}

function sizeOfLength (first: number): number {
  return first > 0x80 ? first - 0x80 : 0
}

function numberOf ({ bytes }: Node): number | undefined {
  return bytes.length >= 1 && bytes.length <= 4 ? bytes.readIntBE(0, bytes.length) : undefined
}
