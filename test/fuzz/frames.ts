/** HTTP/2 frames (RFC 9113) and header blocks (RFC 7541), right and wrong ones. */
export const Type = { data: 0, headers: 1, priority: 2, reset: 3, settings: 4, pushPromise: 5, ping: 6, goaway: 7, windowUpdate: 8, continuation: 9 } as const
export const Flag = { ack: 1, endStream: 1, endHeaders: 4, padded: 8, priority: 0x20 } as const

export const MAGIC = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

const NOTHING = Buffer.alloc(0)

export function frame (type: number, flags: number, stream: number, payload: Buffer = NOTHING): Buffer {
  const bytes = Buffer.allocUnsafe(9 + payload.length)
  bytes.writeUIntBE(payload.length, 0, 3)
  bytes.writeUInt8(type, 3)
  bytes.writeUInt8(flags, 4)
  bytes.writeUInt32BE(stream >>> 0, 5)
  payload.copy(bytes, 9)
  return bytes
}

export function word (value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

export function settings (values: ReadonlyArray<readonly [id: number, value: number]>): Buffer {
  const payload = Buffer.allocUnsafe(values.length * 6)
  values.forEach(([id, value], index) => {
    payload.writeUInt16BE(id, index * 6)
    payload.writeUInt32BE(value >>> 0, index * 6 + 2)
  })
  return frame(Type.settings, 0, 0, payload)
}

export type Field = readonly [name: string, value: string]

/** How a field is written: not indexed, indexed anew, never indexed (6.2). */
export const LITERAL = { plain: 0x00, indexed: 0x40, never: 0x10 } as const

export function fieldBlock (fields: readonly Field[], form: number = LITERAL.plain): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([form]), text(name), text(value)]))
}

function text (value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  return Buffer.concat([integer(bytes.length, 7, 0), bytes])
}

/** RFC 7541, 5.1. */
export function integer (value: number, bits: number, first: number): Buffer {
  const most = (1 << bits) - 1
  if (value < most) return Buffer.from([first | value])
  const bytes = [first | most]
  let left = value - most
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) | 128)
  return Buffer.from([...bytes, left])
}
