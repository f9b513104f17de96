/** Looks up users without a credential, through the same cache, breaker, mapping and guard as credentials. */
import type { OpenProvider, Question } from './authenticator.js'
import type { LookupQuery } from './provider.js'
import { ProviderMethod } from './provider-method.js'

export interface LookupQuestion extends Pick<Question, 'deadline' | 'caller' | 'explain'> {
  readonly query: LookupQuery
}

export type Lookup = ProviderMethod<LookupQuestion>

/** `undefined` if the provider can't look up users. */
export function createLookup (open: OpenProvider): Lookup | undefined {
  const { provider, cache } = open
  const { lookup } = provider
  if (lookup === undefined) return undefined
  return new ProviderMethod({
    open,
    keyOf: ({ query }) => cache.key('lookup', JSON.stringify(query), []),
    call: ({ query }, ctx) => lookup.call(provider, query, ctx)
  })
}
