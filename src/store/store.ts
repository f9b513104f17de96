/**
 * State that the sign-in service keeps for minutes or hours, in memory or shared
 * by replicas. Values are JSON texts. Every method rejects with a
 * {@link StoreUnavailableError} if the store can't be reached in time.
 */
export interface Store {
  get: (key: string) => Promise<string | undefined>
  /** @param seconds after which the value is gone */
  set: (key: string, value: string, seconds: number) => Promise<void>
  /** Sets a key that has no value. Of concurrent calls, also of several replicas, one gives `true`. */
  add: (key: string, value: string, seconds: number) => Promise<boolean>
  delete: (key: string) => Promise<void>
  /** Rejects if the store can't be reached. */
  ping: () => Promise<void>
  close: () => Promise<void>
}

/** The store can't be reached, or did not answer in time. */
export class StoreUnavailableError extends Error {
  readonly code = 'AUTHN_STORE_UNAVAILABLE'
  override readonly name = 'StoreUnavailableError'
}
