/**
 * Keeps what the OpenID provider stores in a {@link Store}. Every operation
 * concerns single keys, so that any node of a cluster can hold each of them; keys
 * are digests, since codes and session IDs are secrets that strangers also guess.
 */
import { createHash } from 'node:crypto'
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'
import type { Store } from '../store/store.js'
import { invalidGrant, translateOutage } from './errors.js'
import type { Library } from './library.js'

/** Access tokens are of no use here, and clients come from the config alone. */
const STORED = ['AuthorizationCode', 'DeviceCode', 'Grant', 'Interaction', 'Session']
/** Models that are used once. */
const CONSUMABLE = ['AuthorizationCode', 'DeviceCode']
/** Seconds; longer than any code lives. */
const CONSUMED_TTL = 3_600

export function createAdapter (store: Store, library: Library): AdapterFactory {
  return model => STORED.includes(model) ? new StoreAdapter(model, store, library) : NOTHING_STORED
}

class StoreAdapter implements Adapter {
  readonly #model: string
  readonly #store: Store
  readonly #library: Library

  constructor (model: string, store: Store, library: Library) {
    this.#model = model
    this.#store = store
    this.#library = library
  }

  async upsert (id: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    await this.#ask(async () => {
      // the index first: what it points to may be missing, but not the reverse
      if (payload.uid !== undefined && this.#model === 'Session') await this.#store.set(this.#key('uid', payload.uid), id, expiresIn)
      if (payload.userCode !== undefined) await this.#store.set(this.#key('user-code', payload.userCode), id, expiresIn)
      await this.#store.set(this.#key('id', id), JSON.stringify(payload), expiresIn)
    })
  }

  async find (id: string): Promise<AdapterPayload | undefined> {
    return await this.#ask(async () => {
      const stored = await this.#store.get(this.#key('id', id))
      if (stored === undefined) return undefined
      const payload = parsed(stored)
      if (payload === undefined) return undefined
      const consumed = CONSUMABLE.includes(this.#model) && await this.#store.get(this.#key('consumed', id)) !== undefined
      return consumed ? { ...payload, consumed } : payload
    })
  }

  async findByUid (uid: string): Promise<AdapterPayload | undefined> {
    return await this.#findBy('uid', uid)
  }

  async findByUserCode (userCode: string): Promise<AdapterPayload | undefined> {
    return await this.#findBy('user-code', userCode)
  }

  async #findBy (index: string, value: string): Promise<AdapterPayload | undefined> {
    const id = await this.#ask(async () => await this.#store.get(this.#key(index, value)))
    return id === undefined ? undefined : await this.find(id)
  }

  /** Of concurrent exchanges of one code, also at several replicas, one succeeds. */
  async consume (id: string): Promise<void> {
    const first = await this.#ask(async () => await this.#store.add(this.#key('consumed', id), '1', CONSUMED_TTL))
    if (!first) throw invalidGrant(this.#library, 'the code has already been used')
  }

  async destroy (id: string): Promise<void> {
    await this.#ask(async () => { await this.#store.delete(this.#key('id', id)) })
  }

  /** Nothing to do: the provider destroys the grant itself too, without which no code is exchanged. */
  async revokeByGrantId (): Promise<void> {}

  #key (kind: string, id: string): string {
    return `login:${this.#model}:${kind}:${createHash('sha256').update(id).digest('base64url')}`
  }

  async #ask<T> (work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw translateOutage(this.#library, error)
    }
  }
}

/** `undefined`: somebody else has written it. */
function parsed (text: string): AdapterPayload | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value as AdapterPayload : undefined
  } catch {
    return undefined
  }
}

const NOTHING_STORED: Adapter = {
  async upsert () {},
  async find () { return undefined },
  async findByUserCode () { return undefined },
  async findByUid () { return undefined },
  async consume () {},
  async destroy () {},
  async revokeByGrantId () {}
}
