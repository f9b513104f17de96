/** Listeners that only this computer reaches. */
import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import { codeOf, messageOf } from '../../errors.js'
import { SignInError } from '../sign-in-error.js'

/** IPv4 first: browsers know it even if it is off. */
const ADDRESSES = ['127.0.0.1', '::1']

/**
 * On a free port.
 * @throws SignInError if there is none
 */
export async function listenOnLoopback (server: Server): Promise<AddressInfo> {
  let problem: unknown
  for (const host of ADDRESSES) {
    try {
      server.listen(0, host)
      await once(server, 'listening')
      return server.address() as AddressInfo
    } catch (error) {
      problem = error
    }
  }
  throw new SignInError('unavailable', `can't listen on ${ADDRESSES.join(' or ')}, which a sign-in needs (${codeOf(problem) ?? messageOf(problem)}): allow programs to listen on loopback`, { cause: problem })
}
