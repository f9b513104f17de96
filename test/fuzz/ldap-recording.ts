/**
 * A sign-in's whole conversation with a directory, as ldap-conversation.txt has
 * it: a line `> hex` for each request, and a line `< hex` for each message of
 * the answer to it. `npx tap test/fuzz/record-ldap.ts` records it anew, with a
 * real slapd.
 */
import { readFileSync } from 'node:fs'
import type { LdapProviderConfig } from '../../schemas/providers/ldap.js'
import { readRequest } from '../fixtures/ber.js'
import { ldapConfig } from '../fixtures/ldap.js'
import { GROUPS, READER, SUFFIX } from '../fixtures/slapd.js'

export const RECORDING = new URL('ldap-conversation.txt', import.meta.url)

export interface Exchange {
  readonly operation: number
  /** The request without its ID. */
  readonly body: Buffer
  /** One message after the other, for the ID of the recording. */
  readonly answer: readonly Buffer[]
}

export function readRecording (): Exchange[] {
  const exchanges: Exchange[] = []
  let answer: Buffer[] = []
  for (const line of readFileSync(RECORDING, 'utf8').trim().split('\n')) {
    const bytes = Buffer.from(line.slice(2), 'hex')
    if (line.startsWith('<')) {
      answer.push(bytes)
    } else {
      answer = []
      exchanges.push({ ...readRequest(bytes), answer })
    }
  }
  return exchanges
}

/** The config of the recorded sign-in; what is asked follows from it, so that a change here needs a new recording. */
const CONFIG = ldapConfig({
  preset: 'openldap',
  urls: ['ldap://127.0.0.1'],
  tls: { mode: 'none', insecure: true },
  bindDN: READER.dn,
  bindPassword: READER.password,
  userSearch: { baseDN: `ou=people,${SUFFIX}` },
  groupSearch: { baseDN: GROUPS, nested: 1 },
  timeouts: { connect: '1s', bind: '1s', search: '1s' },
  pool: { min: 0, max: 2 }
})

export function recordedConfig (port: number, { startTLS = false, timeout = '1s' } = {}): LdapProviderConfig {
  return {
    ...CONFIG,
    urls: [`ldap://127.0.0.1:${port}`],
    tls: startTLS ? { ...CONFIG.tls, mode: 'startTLS', insecure: false } : CONFIG.tls,
    // directories are told of it in whole seconds: less than one is asked for as one
    timeouts: { ...CONFIG.timeouts, bind: timeout, search: timeout }
  }
}
