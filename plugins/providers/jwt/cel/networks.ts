/** IP addresses and CIDRs. IPv4-mapped IPv6 addresses and zones are invalid, as in the API server. */
import { isIP, isIPv4 } from 'node:net'
import { spend } from './bounds.js'
import { ExpressionError } from './expression-error.js'
import type { Library } from './functions.js'

class IP {
  constructor (readonly family: 4 | 6, readonly value: bigint) {}

  get bits (): number {
    return this.family === 4 ? 32 : 128
  }

  toString (): string {
    if (this.family === 4) return [24n, 16n, 8n, 0n].map(shift => this.value >> shift & 0xffn).join('.')
    return canonicalIPv6(this.value.toString(16).padStart(32, '0').match(/.{4}/g)!.join(':'))
  }
}

class CIDR {
  constructor (readonly ip: IP, readonly length: number) {}

  /** Whether both start with the same `length` bits. */
  contains (ip: IP): boolean {
    return ip.family === this.ip.family && network(ip, this.length) === network(this.ip, this.length)
  }

  masked (): CIDR {
    return new CIDR(new IP(this.ip.family, network(this.ip, this.length)), this.length)
  }

  toString (): string {
    return `${this.ip}/${this.length}`
  }
}

export const networks: Library = {
  types: { 'net.IP': IP, 'net.CIDR': CIDR },
  namespaces: { ip: 'kubernetes.ip' },
  equality: ['net.IP', 'net.CIDR'],
  functions: {
    'ip(string): net.IP': toIP,
    'isIP(string): bool': (text: string) => parseIP(text) !== undefined,
    'string(net.IP): string': String,
    'kubernetes.ip.isCanonical(string): bool': (_: unknown, text: string) => toIP(text).toString() === text,
    'net.IP.family(): int': (ip: IP) => BigInt(ip.family),
    'net.IP.isUnspecified(): bool': (ip: IP) => ip.value === 0n,
    'net.IP.isLoopback(): bool': (ip: IP) => isIn(ip, LOOPBACK),
    'net.IP.isLinkLocalMulticast(): bool': (ip: IP) => ip.family === 4 ? isIn(ip, ['224.0.0.0/24']) : (ip.value >> 112n & 0xff0fn) === 0xff02n,
    'net.IP.isLinkLocalUnicast(): bool': (ip: IP) => isIn(ip, LINK_LOCAL),
    'net.IP.isGlobalUnicast(): bool': (ip: IP) => ip.value !== 0n && !isIn(ip, [...LOOPBACK, ...LINK_LOCAL, '224.0.0.0/4', 'ff00::/8', '255.255.255.255/32']),
    'cidr(string): net.CIDR': toCIDR,
    'isCIDR(string): bool': (text: string) => parseCIDR(text) !== undefined,
    'string(net.CIDR): string': String,
    'net.CIDR.containsIP(string): bool': (cidr: CIDR, text: string) => cidr.contains(toIP(text)),
    'net.CIDR.containsIP(net.IP): bool': (cidr: CIDR, ip: IP) => cidr.contains(ip),
    'net.CIDR.containsCIDR(string): bool': (cidr: CIDR, text: string) => containsCIDR(cidr, toCIDR(text)),
    'net.CIDR.containsCIDR(net.CIDR): bool': containsCIDR,
    'net.CIDR.ip(): net.IP': (cidr: CIDR) => cidr.ip,
    'net.CIDR.masked(): net.CIDR': (cidr: CIDR) => cidr.masked(),
    'net.CIDR.prefixLength(): int': (cidr: CIDR) => BigInt(cidr.length)
  }
}

const LOOPBACK = ['127.0.0.0/8', '::1/128']
const LINK_LOCAL = ['169.254.0.0/16', 'fe80::/10']

function isIn (ip: IP, cidrs: readonly string[]): boolean {
  return cidrs.some(cidr => toCIDR(cidr).contains(ip))
}

function containsCIDR (cidr: CIDR, other: CIDR): boolean {
  return cidr.length <= other.length && cidr.contains(other.ip)
}

function network (ip: IP, length: number): bigint {
  const rest = BigInt(ip.bits - length)
  return ip.value >> rest << rest
}

function toIP (text: string): IP {
  const ip = parseIP(text)
  if (ip === undefined) throw new ExpressionError('ip: not an IP address')
  return ip
}

function toCIDR (text: string): CIDR {
  const cidr = parseCIDR(text)
  if (cidr === undefined) throw new ExpressionError('cidr: not a network in CIDR notation')
  return cidr
}

function parseIP (text: string): IP | undefined {
  spend(UNITS_PER_ADDRESS)
  if (text.length > LONGEST_ADDRESS || isIP(text) === 0 || text.includes('%')) return undefined
  if (isIPv4(text)) return new IP(4, text.split('.').reduce((value, octet) => value << 8n | BigInt(octet), 0n))
  const value = parseIPv6(text)
  return value >> 32n === 0xffffn ? undefined : new IP(6, value)
}

function parseCIDR (text: string): CIDR | undefined {
  if (text.length > LONGEST_ADDRESS + 4) return undefined
  const [, address = '', digits = ''] = /^([^/]*)\/(0|[1-9]\d{0,2})$/.exec(text) ?? []
  const ip = parseIP(address)
  return ip !== undefined && digits !== '' && Number(digits) <= ip.bits ? new CIDR(ip, Number(digits)) : undefined
}

const LONGEST_ADDRESS = 45
const UNITS_PER_ADDRESS = 100

function parseIPv6 (text: string): bigint {
  const [left = '', right] = canonicalIPv6(text).split('::')
  const groups = (side: string): string[] => side === '' ? [] : side.split(':')
  const [start, end] = [groups(left), groups(right ?? '')]
  const all = [...start, ...Array<string>(8 - start.length - end.length).fill('0'), ...end]
  return BigInt(`0x${all.map(group => group.padStart(4, '0')).join('')}`)
}

/** RFC 5952. */
function canonicalIPv6 (text: string): string {
  spend(UNITS_PER_ADDRESS)
  return new URL(`http://[${text}]/`).hostname.slice(1, -1)
}
