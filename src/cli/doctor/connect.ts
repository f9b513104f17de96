/** Whether the service's name resolves and its port accepts connections. */
import { once } from 'node:events'
import { lookup } from 'node:dns/promises'
import { connect, isIP } from 'node:net'
import { Deadline } from '../../authn/deadline.js'
import { codeOf, messageOf } from '../../errors.js'
import { hostOf, portOf } from '../server-url.js'
import { isBlocking, ok, unavailable, warning, type DoctorCheck } from './check.js'

/** `dns` and, if the name resolves, `tcp`. `timeout`: milliseconds for the connection. */
export async function checkConnection (server: URL, timeout: number): Promise<DoctorCheck[]> {
  const dns = await checkName(hostOf(server))
  return isBlocking(dns) ? [dns] : [dns, await checkPort(server, timeout)]
}

/** For a connection that was not established within the time limit. */
export function timedOut (): never {
  throw Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })
}

async function checkName (host: string): Promise<DoctorCheck> {
  if (isIP(host) !== 0) return ok('dns', `${host} is an IP address`)
  const inCluster = /\.svc(\.|$)|\.cluster\.local$/.test(host)
  const useClusterIP = `set "server" to the Service's cluster IP, and tls-server-name to ${host}`
  try {
    const addresses = (await lookup(host, { all: true })).map(({ address }) => address).join(', ')
    return inCluster
      ? warning('dns', `${host} resolves to ${addresses} through the cluster's DNS, which API servers don't use`, useClusterIP)
      : ok('dns', `${host} resolves to ${addresses}`)
  } catch (error) {
    const message = `${host} does not resolve: ${codeOf(error)}`
    return unavailable('dns', message, inCluster ? `API servers don't use the cluster's DNS: ${useClusterIP}` : 'correct the name, or use an IP address that the certificate names')
  }
}

const ADVICE: Record<string, string> = {
  ECONNREFUSED: 'start the service, or correct the port: nothing listens there',
  ETIMEDOUT: 'allow connections from the control plane: a firewall or a network policy drops them'
}

async function checkPort (server: URL, timeout: number): Promise<DoctorCheck> {
  const [host, port] = [hostOf(server), portOf(server)]
  const address = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
  const started = performance.now()
  const socket = connect({ host, port })
  try {
    await new Deadline(timeout).race(once(socket, 'connect'), timedOut)
    return ok('tcp', `connected to ${address} in ${Math.ceil(performance.now() - started)} ms`)
  } catch (error) {
    const code = codeOf(error)
    return unavailable('tcp', `cannot connect to ${address}: ${code ?? messageOf(error)}`, ADVICE[code ?? ''] ?? 'check the network route to the service')
  } finally {
    socket.destroy()
  }
}
