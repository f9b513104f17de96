/** Is there a way to the service: its name, its port. */
import { lookup } from 'node:dns/promises'
import { connect, isIP } from 'node:net'
import { hostOf } from '../client.js'
import { ok, stops, unavailable, warning, type Check } from './check.js'

export function portOf ({ port }: URL): number {
  return port === '' ? 443 : Number(port)
}

/** `dns` and, where there is an address, `tcp`. `patience`: milliseconds for a connection. */
export async function reach (server: URL, patience: number): Promise<Check[]> {
  const dns = await resolveName(hostOf(server))
  return stops(dns) ? [dns] : [dns, await openPort(server, patience)]
}

async function resolveName (host: string): Promise<Check> {
  if (isIP(host) !== 0) return ok('dns', `${host} is an address`)
  const inCluster = /\.svc(\.|$)|\.cluster\.local$/.test(host)
  try {
    const found = await lookup(host, { all: true })
    const message = `${host} is ${found.map(({ address }) => address).join(', ')}`
    return inCluster
      ? warning('dns', `${message}, by the cluster's DNS, which API servers don't use`, `put the Service's cluster IP in "server", and ${host} in tls-server-name`)
      : ok('dns', message)
  } catch (error) {
    return unavailable('dns', `${host} has no address: ${(error as NodeJS.ErrnoException).code}`, inCluster
      ? `API servers don't use the cluster's DNS: put the Service's cluster IP in "server", and ${host} in tls-server-name`
      : 'correct the name, or use an address that the certificate names')
  }
}

const ADVICE: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there: start the service, or correct the port',
  ETIMEDOUT: 'a firewall or a network policy swallows it: open the way from the control plane'
}

async function openPort (server: URL, patience: number): Promise<Check> {
  const [host, port] = [hostOf(server), portOf(server)]
  const place = isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
  return await new Promise(resolve => {
    const started = performance.now()
    const socket = connect({ host, port })
    const end = (check: Check): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(check)
    }
    const refuse = (code: string): void => { end(unavailable('tcp', `${place} can't be reached: ${code}`, ADVICE[code] ?? 'look at the route from here to there')) }
    const timer = setTimeout(refuse, patience, 'ETIMEDOUT')
    socket.once('error', (error: NodeJS.ErrnoException) => { refuse(error.code ?? error.message) })
    socket.once('connect', () => { end(ok('tcp', `${place} answers in ${Math.ceil(performance.now() - started)} ms`)) })
  })
}
