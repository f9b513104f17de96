/**
 * An entry of the directory: attributes by name in any case, as text or bytes.
 * Active Directory's binary identifiers are converted to their usual text form.
 */
import type { Entry as RawEntry } from 'ldapts'
import { DirectoryError } from '../../../../src/errors.js'
import type { Host } from './dial.js'

/** ldapts returns these as bytes, even if they happen to be valid UTF-8. */
export const BINARY_ATTRIBUTES = ['objectGUID', 'objectSid', 'tokenGroups']

/** A part of a list that is too long for one answer: `member;range=0-1499`. */
const RANGE = /^([^;]+);range=\d+-(\d+|\*)$/i

const NONE: readonly string[] = []

export class LdapEntry {
  readonly dn: string
  /** The host that returned it. */
  readonly host: Host | undefined
  readonly #values = new Map<string, Array<string | Buffer>>()
  /** Incomplete lists, and where their next part begins. */
  readonly #rest = new Map<string, number>()

  constructor (raw: RawEntry, host?: Host) {
    this.dn = raw.dn
    this.host = host
    this.add(raw)
  }

  /** Adds attributes of the same entry, or the next parts of long lists. */
  add ({ dn, ...attributes }: RawEntry): void {
    for (const [description, value] of Object.entries(attributes)) {
      // a requested list that came in part is also there as an empty one
      const values = Array.isArray(value) ? value : [value]
      if (values.length === 0) continue
      const [, name, end] = RANGE.exec(description) ?? []
      const key = (name ?? description).toLowerCase()
      const known = this.#values.get(key)
      if (known === undefined) this.#values.set(key, [...values])
      else for (const value of values) known.push(value)
      if (end === undefined || end === '*') this.#rest.delete(key)
      else this.#rest.set(key, Number(end) + 1)
    }
  }

  /** The attribute to request next if a list is incomplete: `memberof;range=1500-*`. */
  get missing (): string | undefined {
    const [rest] = this.#rest
    return rest && `${rest[0]};range=${rest[1]}-*`
  }

  texts (attribute: string): string[] {
    return this.#valuesOf(attribute).map(value => textOf(attribute, value))
  }

  /** The first value. */
  text (attribute: string): string | undefined {
    return this.texts(attribute)[0]
  }

  bytes (attribute: string): Buffer[] {
    return this.#valuesOf(attribute).map(value => Buffer.from(value as string))
  }

  #valuesOf (attribute: string): ReadonlyArray<string | Buffer> {
    return this.#values.get(attribute.toLowerCase()) ?? NONE
  }
}

function textOf (attribute: string, value: string | Buffer): string {
  if (typeof value === 'string') return value
  return TEXT_FORMS[attribute.toLowerCase()]?.(value) ?? value.toString('base64')
}

const TEXT_FORMS: Readonly<Record<string, (bytes: Buffer) => string>> = { objectguid: guidOf, objectsid: sidOf }

/** The value of an attribute whose text form this is; `undefined` if no value has it. */
export function valueOf (attribute: string, text: string): string | Buffer | undefined {
  switch (attribute.toLowerCase()) {
    case 'objectguid': return bytesOfGuid(text)
    case 'objectsid': return bytesOfSid(text)
    default: return text
  }
}

function bytesOfGuid (text: string): Buffer | undefined {
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return undefined
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex')
  for (const [from, to] of LITTLE_ENDIAN) bytes.subarray(from, to).reverse()
  return bytes
}

function bytesOfSid (text: string): Buffer | undefined {
  const [, revision, authority, ...subauthorities] = text.split('-').map(Number)
  if (!/^S(?:-\d{1,15}){3,17}$/.test(text) || revision! > 0xff || authority! >= 2 ** 48 || subauthorities.some(number => number > 0xffff_ffff)) return undefined
  const bytes = Buffer.alloc(8 + 4 * subauthorities.length)
  bytes.set([revision!, subauthorities.length])
  bytes.writeUIntBE(authority!, 2, 6)
  for (const [index, number] of subauthorities.entries()) bytes.writeUInt32LE(number, 8 + index * 4)
  return bytes
}

const LITTLE_ENDIAN = [[0, 4], [4, 6], [6, 8]] as const

/** The first three fields of Microsoft's GUID are little-endian. */
export function guidOf (bytes: Buffer): string {
  if (bytes.length !== 16) throw new DirectoryError('the directory returned an objectGUID that is not 16 bytes long')
  const hex = (from: number, to: number, reversed = false): string => {
    const field = Buffer.from(bytes.subarray(from, to))
    return (reversed ? field.reverse() : field).toString('hex')
  }
  return [hex(0, 4, true), hex(4, 6, true), hex(6, 8, true), hex(8, 10), hex(10, 16)].join('-')
}

/** `S-1-5-21-…-1104` */
export function sidOf (bytes: Buffer): string {
  if (bytes.length < 8 || bytes.length !== 8 + 4 * bytes.readUInt8(1)) throw new DirectoryError('the directory returned a security identifier (SID) of the wrong length')
  const subauthorities = Array.from({ length: bytes.readUInt8(1) }, (_, index) => bytes.readUInt32LE(8 + index * 4))
  return ['S', bytes[0], bytes.readUIntBE(2, 6), ...subauthorities].join('-')
}
