/**
 * Failed-password counts that replicas share in Redis. Neither names nor passwords
 * are stored, but digests, whose key comes from the password of Redis, so that the
 * replicas agree on it. Without one, anyone who can read Redis can test guesses
 * of names; so nothing is derived from passwords then, and the same wrong
 * password counts once for each replica that sees it.
 */
import { createHmac, hkdfSync, randomUUID } from 'node:crypto'
import type { Secret } from '../../schemas/primitives.js'
import type { ProviderLog } from '../authn/provider.js'
import type { Admission, FailureTable, SharedAttempt, SharedFailures } from '../authn/shared-failures.js'
import type { BeginReply, EndStep } from './failure-scripts.js'
import type { RedisConnection } from './redis-connection.js'

export interface RedisFailuresOptions {
  readonly connection: Pick<RedisConnection, 'available' | 'run'>
  /** Of Redis. */
  readonly password: Secret | undefined
  /** Of each command, in milliseconds. */
  readonly timeout: number
  /** Host and port, for the log. */
  readonly address: string
  readonly log: ProviderLog
}

/** Milliseconds that a review waits for each of the two steps, at most. */
const LIMIT = 250
/** Milliseconds without a try after an answer that came too late. */
const PAUSE = 5_000
/** Milliseconds until a reservation expires whose process was killed: longer than a check and its place in the queue take. */
const LEASE = 90_000
/**
 * Hexadecimal digits of a password's digest. So few that many passwords share
 * one: someone who reads Redis and knows the key can't tell which was tried. Of
 * 8,000 wrong passwords, one is mistaken for an earlier one and not counted.
 */
const GUESS_DIGITS = 4

export class RedisFailures {
  readonly #options: RedisFailuresOptions
  readonly #limit: number
  #pauseEnds = 0
  /** Whether it was too slow the last time. */
  #slow = false
  #trying = false
  #key: { readonly password: string, readonly key: Buffer } | undefined

  constructor (options: RedisFailuresOptions) {
    this.#options = options
    this.#limit = Math.min(options.timeout, LIMIT)
  }

  of (provider: string, table: FailureTable): SharedFailures {
    return { begin: async (account, attempt) => await this.#begin([provider, table, account], attempt) }
  }

  async #begin (account: readonly string[], { delays, local }: SharedAttempt): Promise<Admission | undefined> {
    const { connection } = this.#options
    if (!connection.available || (this.#slow && (this.#trying || performance.now() < this.#pauseEnds))) return undefined
    const key = `failures:${this.#digest(account).toString('base64url')}`
    const id = randomUUID()
    this.#trying = true
    let answer: Promise<BeginReply> | undefined
    try {
      const { admitted, outdated, generation } = await connection.run(async client => {
        answer = client.beginAttempt(key, { id, lease: LEASE, delays, local })
        return await answer
      }, this.#limit)
      this.#becomeFast()
      if (!admitted) return { admitted }
      return { admitted, outdated, generation, end: async (outcome, password) => { await this.#end(key, { id, outcome, guess: this.#guessOf(account, password), delays }) } }
    } catch {
      this.#becomeSlow()
      // an answer that comes too late may have reserved an attempt that the local counts decide on
      answer?.then(async ({ admitted }) => { if (admitted) await this.#end(key, { id, outcome: 'uncounted', guess: '', delays }) }, () => {})
      return undefined
    } finally {
      this.#trying = false
    }
  }

  async #end (key: string, step: EndStep): Promise<void> {
    try {
      const ending = this.#options.connection.run(async client => await client.endAttempt(key, step), this.#limit)
      if (this.#slow) ending.catch(() => {})
      else await ending
    } catch {
      // the reservation expires, and the local count is passed on with the next attempt
      this.#becomeSlow()
    }
  }

  #becomeSlow (): void {
    const { connection, address, log } = this.#options
    if (!connection.available) return
    this.#pauseEnds = performance.now() + PAUSE
    if (this.#slow) return
    this.#slow = true
    log.warn({ store: address }, 'store is too slow to share failed-password counts; this process counts alone')
  }

  #becomeFast (): void {
    if (this.#slow) this.#options.log.info({ store: this.#options.address }, 'failed-password counts are shared again')
    this.#slow = false
  }

  #guessOf (account: readonly string[], password: string | undefined): string {
    if (password === undefined || this.#options.password === undefined) return ''
    return this.#digest([...account, password]).toString('hex').slice(0, GUESS_DIGITS)
  }

  #digest (texts: readonly string[]): Buffer {
    const password = this.#options.password?.reveal() ?? ''
    if (this.#key?.password !== password) {
      this.#key = { password, key: Buffer.from(hkdfSync('sha256', password, '', 'authn-webhook failed-password counts', 32)) }
    }
    return createHmac('sha256', this.#key.key).update(JSON.stringify(texts)).digest()
  }
}
