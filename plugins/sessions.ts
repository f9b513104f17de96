/** Opens the keys and revocations of session tokens, and closes them with the server. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Sessions } from '../src/authn/sessions/sessions.js'
import { openSessions, type OpenSessionsOptions } from '../src/sessions/open-sessions.js'

declare module 'fastify' {
  interface FastifyInstance {
    sessions: Sessions
  }
}

export type SessionsPluginOptions = Omit<OpenSessionsOptions, 'providers' | 'observer'>

async function sessions (fastify: FastifyInstance, options: SessionsPluginOptions): Promise<void> {
  const { identityProviders: providers, metrics: observer } = fastify
  const opened = await openSessions({ ...options, providers, observer })
  fastify.decorate('sessions', opened)
  fastify.addHook('onClose', async () => { await opened.close() })
}

export default fp(sessions, { name: 'sessions', dependencies: ['identity-providers', 'metrics'] })
