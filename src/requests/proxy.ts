/**
 * Which proxy leads to an issuer, as Go and so an API server decides it:
 * HTTPS_PROXY and NO_PROXY, in capitals first, HTTP_PROXY never for https, no
 * proxy for this machine. undici compares names only, so addresses and networks
 * of NO_PROXY (fd00::5, 10.0.0.0/8) are matched here.
 */
import { BlockList, isIP } from 'node:net'

export interface Proxy {
  /** Empty: none is configured. */
  readonly httpsProxy: string
  readonly noProxy: string
}

type Environment = Readonly<Record<string, string | undefined>>

export function proxyFor ({ hostname }: URL, env: Environment = process.env): Proxy {
  const proxy = env['HTTPS_PROXY'] || env['https_proxy'] || ''
  const noProxy = env['NO_PROXY'] || env['no_proxy'] || ''
  return {
    // like Go, accepts proxy.example.com:3128
    httpsProxy: proxy === '' || proxy.includes('://') ? proxy : `http://${proxy}`,
    noProxy: isDirect(hostname.replace(/^\[|\]$/g, ''), noProxy) ? '*' : noProxy
  }
}

function isDirect (host: string, noProxy: string): boolean {
  const entries = noProxy.split(/[,\s]+/)
  if (entries.includes('*')) return true
  const family = isIP(host)
  if (family === 0) return host === 'localhost'
  const direct = new BlockList()
  direct.addSubnet('127.0.0.0', 8, 'ipv4')
  direct.addAddress('::1', 'ipv6')
  for (const entry of entries) addNetwork(direct, entry)
  return direct.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

function addNetwork (networks: BlockList, entry: string): void {
  const [address = '', given] = entry.split('/')
  const family = isIP(address)
  const longest = family === 4 ? 32 : 128
  const prefix = given ?? String(longest)
  if (family === 0 || !/^\d{1,3}$/.test(prefix) || Number(prefix) > longest) return
  networks.addSubnet(address, Number(prefix), family === 4 ? 'ipv4' : 'ipv6')
}
