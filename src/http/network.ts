/** Formats addresses of clients, and finds the network that a limit applies to. */
import { isIPv6 } from 'node:net'

const GROUPS = 8
/** Groups of 16 bits: one host is assigned a /64. */
const PREFIX_GROUPS = 4

/** Writes the IPv4 address `::ffff:192.0.2.1`, as a dual-stack listener reports it, without its prefix. */
export function plainAddress (address: string): string {
  const [, mapped] = /^::ffff:([\d.]+)$/i.exec(address) ?? []
  return mapped ?? address
}

/** @returns an IPv4 address itself, or the /64 of an IPv6 address */
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
