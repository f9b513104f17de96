/**
 * What is wrong with Redis, as the end of a sentence that begins with its host and
 * port. Errors of Redis repeat arguments of commands, so none is passed on.
 */
import { codeOf } from '../errors.js'

/** A command was not answered in time. */
export class NoAnswerError extends Error {
  constructor (readonly limit: number) {
    super(`no answer within ${limit} ms`)
  }
}

/** By the first word of an error of Redis. */
const REPLIES: Record<string, string> = {
  WRONGPASS: 'rejects the user or password: check store.username and store.password',
  NOAUTH: 'requires a password: set store.password',
  NOPERM: 'does not permit the user what the service needs: give it the ACL rules of the documentation',
  LOADING: 'is loading its data; retrying',
  OOM: 'is out of memory: raise its maxmemory, or set a maxmemory-policy that evicts',
  READONLY: 'is a read-only replica: set store.url to the primary',
  MASTERDOWN: 'has lost its primary; retrying',
  NOREPLICAS: 'rejects writes, since it has too few replicas; retrying',
  MISCONF: 'rejects writes, since it can\'t save its data: see its log',
  BUSY: 'is busy with a script; retrying',
  MOVED: 'is a node of a cluster: set store.cluster to true',
  CLUSTERDOWN: 'reports that its cluster is down; retrying'
}

/** By the text of an error: its first word is only ERR, and older versions put others behind it. */
const TEXTS: ReadonlyArray<readonly [RegExp, string]> = [
  [/cluster support disabled/, 'is not a cluster: set store.cluster to false'],
  [/max number of clients/, 'has no connection left: raise its maxclients'],
  [/can't run this command|no permissions to access a key|-NOPERM/i, REPLIES['NOPERM']!],
  [/-OOM/, REPLIES['OOM']!],
  [/-READONLY/, REPLIES['READONLY']!],
  [/-MISCONF/, REPLIES['MISCONF']!],
  [/DB index is out of range/, 'does not have the database of store.url'],
  [/unknown command .?HELLO/i, 'is too old: Redis 6 or Valkey is required']
]

/** Of OpenSSL and Node.js, about a certificate. */
const CERTIFICATE = /CERT|SIGNATURE|ISSUER/

/** `undefined`: the error of a single command, or one that only follows from another. */
export function describeProblem (error: unknown): string | undefined {
  if (error instanceof NoAnswerError) return `did not answer within ${error.limit} ms`
  if (!(error instanceof Error)) return undefined
  const { name } = error.constructor
  if (name === 'ConnectionTimeoutError') return 'did not accept a connection in time: check the scheme and port of store.url; retrying'
  if (name === 'SocketClosedUnexpectedlyError') return 'closed the connection; retrying'
  return describeCode(codeOf(error)) ?? describeReply(error.message)
}

function describeCode (code: string | undefined): string | undefined {
  if (code === undefined) return undefined
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') return 'does not speak TLS on this port: use redis:// in store.url, or the port for TLS'
  if (CERTIFICATE.test(code)) return `has a certificate that is not accepted (${code}): check store.caFile and the host of store.url`
  return `can't be reached (${code}); retrying`
}

function describeReply (message: string): string | undefined {
  const known = TEXTS.find(([pattern]) => pattern.test(message))?.[1]
  return known ?? REPLIES[/^[A-Z]+/.exec(message)?.[0] ?? '']
}
