/** Names of a service, in the form that certificates use. */
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { CertificateError } from '../errors.js'

/**
 * A DNS name in lower-case ASCII or an IP address in its shortest form; a
 * wildcard only as the whole first label.
 * @throws CertificateError
 */
export function parseSubjectName (name: string): string {
  if (isIP(name) === 4) return name
  // the URL parser normalises it by RFC 5952
  if (isIP(name) === 6 && !name.includes('%')) return new URL(`https://[${name}]`).hostname.slice(1, -1)
  if (name.includes('/')) throw invalid(name, 'use only the host, not a URL or a network')
  if (/:\d+$/.test(name)) throw invalid(name, 'remove the port')
  const ascii = domainToASCII(name.replace(/^\*\./, ''))
  const labels = ascii.split('.')
  const wellFormed = labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label))
  // 10.0.0.300 and 010.0.0.1 are addresses to other parsers
  if (!wellFormed || ascii.length > 250 || /^\d+$/.test(labels.at(-1)!)) throw invalid(name, 'neither a DNS name nor an IP address')
  return name.startsWith('*.') ? `*.${ascii}` : ascii
}

function invalid (name: string, why: string): Error {
  return new CertificateError(`${JSON.stringify(name)} can't be a name in a certificate: ${why}`)
}
