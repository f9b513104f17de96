/** Asks the source of each provider of a config whether it is reachable; for `validate --online`. */
import { Deadline, PROVIDER_PATIENCE } from '../authn/deadline.js'
import type { OpenProvider } from '../authn/authenticator.js'
import type { LoadedConfig } from '../config/load.js'
import { messageOf } from '../errors.js'
import { withChain } from './chain.js'
import type { Terminal } from './terminal.js'

export interface Unreachable {
  /** The path of its entry, such as `identityProviders[0]`. */
  readonly path: string
  readonly message: string
}

/** What is wrong, in the order of the config; several errors of one provider each by itself. */
export async function pingProviders (loaded: LoadedConfig, terminal: Terminal): Promise<Unreachable[]> {
  // what a provider warns of is in the result
  return await withChain({ loaded, terminal, level: 'error' }, async ({ providers }) => {
    const errors = await Promise.all(providers.map(async (open, index) => (await ping(open)).map(message => ({ path: loaded.providers[index]!.path, message }))))
    return errors.flat()
  })
}

async function ping ({ provider, log }: OpenProvider): Promise<string[]> {
  const controller = new AbortController()
  const deadline = new Deadline(PROVIDER_PATIENCE)
  try {
    await deadline.race(Promise.resolve(provider.ping?.({ signal: controller.signal, log })), () => new Error(`no answer within ${PROVIDER_PATIENCE / 1000} s`))
    return []
  } catch (error) {
    controller.abort(error)
    return error instanceof AggregateError && error.message === '' ? error.errors.map(messageOf) : [messageOf(error)]
  }
}
