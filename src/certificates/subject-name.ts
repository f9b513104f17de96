/** Names under which a service is reached, in the one form that a certificate carries. */
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { CertificateError } from '../errors.js'

/**
 * A DNS name in lower-case ASCII or an IP address in its shortest form; a
 * wildcard only as the whole first label.
 * @throws CertificateError saying what is wrong with it
 */
export function parseSubjectName (name: string): string {
  if (isIP(name) === 4) return name
  // the URL parser writes ::ffff:10.0.0.1 and 0:0::1 in the one form of RFC 5952
  if (isIP(name) === 6 && !name.includes('%')) return new URL(`https://[${name}]`).hostname.slice(1, -1)
  if (name.includes('/')) throw invalid(name, 'give the host alone, not a URL or a network')
  if (/:\d+$/.test(name)) throw invalid(name, 'leave the port out; certificates know none')
  const ascii = domainToASCII(name.replace(/^\*\./, ''))
  const labels = ascii.split('.')
  const wellFormed = labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label))
  // 10.0.0.300 and 010.0.0.1 look like addresses to people and to other parsers
  if (!wellFormed || ascii.length > 250 || /^\d+$/.test(labels.at(-1)!)) throw invalid(name, 'neither a DNS name nor an IP address')
  return name.startsWith('*.') ? `*.${ascii}` : ascii
}

function invalid (name: string, why: string): Error {
  return new CertificateError(`${JSON.stringify(name)} can't be a name in a certificate: ${why}`)
}
