/** Addresses of clients: how they are written, and the networks that are counted for them. */
import { isIPv6 } from 'node:net'

const GROUPS = 8
/** Of an IPv6 address, in groups of 16 bits: a /64 is what one host is given. */
const PREFIX_GROUPS = 4

/** As people write it: an IPv4 address on a listener for both families is `::ffff:192.0.2.1`. */
export function plainAddress (address: string): string {
  const [, mapped] = /^::ffff:([\d.]+)$/i.exec(address) ?? []
  return mapped ?? address
}

/** An IPv4 address itself, also where it is written as `::ffff:192.0.2.1`; the /64 of an IPv6 address. */
export function networkOf (address: string): string {
  const [plain = ''] = plainAddress(address).split('%')
  if (!isIPv6(plain)) return plain
  const [head = '', tail] = plain.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = new Array<string>(Math.max(GROUPS - before.length - after.length, 0)).fill('0')
  const groups = [...before, ...zeros, ...after].slice(0, PREFIX_GROUPS)
  return `${groups.map(group => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}
