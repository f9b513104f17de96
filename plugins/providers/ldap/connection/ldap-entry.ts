/**
 * An entry as the directory gave it: attributes by name in any case, as text
 * or bytes. Identifiers that Active Directory keeps in binary are written as
 * people write them.
 */
import type { Entry as RawEntry } from 'ldapts'
import { DirectoryError } from '../../../../src/errors.js'
import type { Host } from './dial.js'

/** Of these ldapts gives bytes, even where they happen to be valid UTF-8. */
export const BINARY_ATTRIBUTES = ['objectGUID', 'objectSid', 'tokenGroups']

export class LdapEntry {
  readonly dn: string
  /** Which gave it. */
  readonly host: Host | undefined
  readonly #values = new Map<string, Array<string | Buffer>>()
  /** Of lists that came in part, where the next part begins. */
  readonly #rest = new Map<string, number>()

  constructor (raw: RawEntry, host?: Host) {
    this.dn = raw.dn
    this.host = host
    this.add(raw)
  }

  /** Takes over the attributes of the same entry, or the next parts of long lists. */
  add ({ dn, ...attributes }: RawEntry): void {
    for (const [description, value] of Object.entries(attributes)) {
      // what was asked for and isn't there comes as an empty list, beside the part that is there
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

  /** `memberof;range=1500-*`: what to ask for next, where a list is too long for one answer. */
  get missing (): string | undefined {
    const [rest] = this.#rest
    return rest && `${rest[0]};range=${rest[1]}-*`
  }

  texts (attribute: string): string[] {
    return this.#of(attribute).map(value => textOf(attribute, value))
  }

  /** The first value, of an attribute that has one. */
  text (attribute: string): string | undefined {
    const [value] = this.#of(attribute)
    return value === undefined ? undefined : textOf(attribute, value)
  }

  bytes (attribute: string): Buffer[] {
    return this.#of(attribute).map(value => Buffer.from(value as string))
  }

  #of (attribute: string): ReadonlyArray<string | Buffer> {
    return this.#values.get(attribute.toLowerCase()) ?? NONE
  }
}

const NONE: readonly string[] = []

function textOf (attribute: string, value: string | Buffer): string {
  if (typeof value === 'string') return value
  return DESCRIPTIONS[attribute.toLowerCase()]?.(value) ?? value.toString('base64')
}

/** What a server gives of a list that is too long: `member;range=0-1499`. */
const RANGE = /^([^;]+);range=\d+-(\d+|\*)$/i

/** Microsoft's GUID: its first three fields are little-endian. */
export function guidOf (bytes: Buffer): string {
  if (bytes.length !== 16) throw new DirectoryError('the directory gave an objectGUID that is not 16 bytes long')
  const hex = (from: number, to: number, reversed = false): string => {
    const field = Buffer.from(bytes.subarray(from, to))
    return (reversed ? field.reverse() : field).toString('hex')
  }
  return [hex(0, 4, true), hex(4, 6, true), hex(6, 8, true), hex(8, 10), hex(10, 16)].join('-')
}

/** `S-1-5-21-…-1104` */
export function sidOf (bytes: Buffer): string {
  if (bytes.length < 8 || bytes.length !== 8 + 4 * bytes[1]!) throw new DirectoryError('the directory gave a security identifier (SID) of the wrong length')
  const authorities = Array.from({ length: bytes[1]! }, (_, index) => bytes.readUInt32LE(8 + index * 4))
  return ['S', bytes[0], bytes.readUIntBE(2, 6), ...authorities].join('-')
}

const DESCRIPTIONS: Readonly<Record<string, (bytes: Buffer) => string>> = { objectguid: guidOf, objectsid: sidOf }
