/** A source of identities beyond the network that can be well, silent and away, and the provider of examples/ that asks it. */
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { Person } from '../fixtures/people.js'
import { freePorts } from '../fixtures/child.js'

export interface AuthorizationServer {
  /** What a config says to ask it. */
  readonly identityProvider: object
  /** It tells whose a token is. */
  answer: () => Promise<void>
  /** It takes questions, and answers none. */
  hang: () => Promise<void>
  /** Its port is closed. */
  leave: () => Promise<void>
}

/** Away until it is told to answer; by RFC 7662, whatever `people` say of tokens. */
export async function createAuthorizationServer (t: Test, name: string, people: Readonly<Record<string, Person>>): Promise<AuthorizationServer> {
  const [port] = await freePorts(1)
  let server: Server | undefined
  const leave = async (): Promise<void> => {
    server?.closeAllConnections()
    if (server !== undefined) await once(server.close(), 'close')
    server = undefined
  }
  const listen = async (respond: (response: ServerResponse, token: string) => void): Promise<void> => {
    await leave()
    server = createServer((request, response) => {
      // who hangs up doesn't want to know any more
      text(request).then(body => { respond(response, new URLSearchParams(body).get('token') ?? '') }, () => {})
    }).listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  t.teardown(leave)
  return {
    identityProvider: {
      name,
      kind: 'module',
      from: fileURLToPath(new URL('../../examples/provider/introspection.mjs', import.meta.url)),
      config: { url: `http://127.0.0.1:${port}/introspect`, clientId: 'kubernetes', clientSecret: 'canary-secret-of-the-client' }
    },
    // no question may cross the end of a connection that was kept
    answer: async () => { await listen((response, token) => { response.setHeader('connection', 'close').end(JSON.stringify(introspect(people[token]))) }) },
    hang: async () => { await listen(() => {}) },
    leave
  }
}

function introspect (person: Person | undefined): object {
  if (person === undefined) return { active: false }
  const { username, uid, groups } = person.user
  return { active: true, username, sub: uid, groups }
}
