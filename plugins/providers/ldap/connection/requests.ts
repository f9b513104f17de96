/**
 * The requests of one connection, one in flight at a time. It is never reopened:
 * ldapts would reconnect without the bind.
 */
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { Client, ResultCodeError } from 'ldapts'
import { redactPasswords } from '../../../../src/authn/redaction.js'
import { DirectoryError, messageOf } from '../../../../src/errors.js'
import type { Allowance } from '../messages/allowance.js'
import type { AnswerError } from '../messages/ber.js'
import { printable, type Result } from '../messages/response.js'
import type { Timeouts } from '../settings.js'
import { CheckedSocket } from './checked-socket.js'
import type { Host } from './dial.js'
import { resultMessage } from './result-message.js'
import { describeEarlyClose, describeTlsError } from './tls-errors.js'

export interface RequestOptions {
  /** Of all that is sent for this. */
  readonly allowance: Allowance
  /** Ends the connection. */
  readonly signal?: AbortSignal | undefined
  /** Of a bind, to redact. */
  readonly password?: string
}

export interface RequestsOptions {
  readonly host: Host
  readonly socket: Socket
  readonly timeouts: Timeouts
  /** To redact from what the host says. */
  readonly secrets: () => readonly string[]
}

export class Requests {
  /** The end of the last one. */
  usedAt = performance.now()
  readonly #host: Host
  readonly #socket: CheckedSocket
  readonly #client: Client
  readonly #timeouts: Timeouts
  readonly #isEncrypted: boolean
  readonly #secrets: () => readonly string[]
  /** A host that closes a connection before its first answer counts as down. */
  #answered = false

  constructor ({ host, socket, timeouts, secrets }: RequestsOptions) {
    this.#host = host
    this.#socket = new CheckedSocket(socket)
    this.#timeouts = timeouts
    this.#secrets = secrets
    this.#isEncrypted = socket instanceof TLSSocket
    this.#client = new Client({ url: 'ldap://host', createConnection: () => this.#socket.asSocket() })
  }

  get open (): boolean {
    return this.#socket.readyState === 'open'
  }

  /** What ended the last answer. */
  get lastResult (): Result | undefined {
    return this.#socket.lastResult
  }

  onClose (listener: () => void): void {
    this.#socket.once('close', listener)
  }

  close (): void {
    // a courtesy to the server; nobody waits for it
    if (this.open && this.#client.isConnected) this.#client.unbind().catch(() => {})
    this.#socket.destroy()
  }

  /**
   * A timeout or an abort ends the connection: LDAP can't cancel a bind, and a late answer would have no request.
   * @throws ResultCodeError if the host refused
   * @throws DirectoryError without a valid answer
   * @throws the reason of `signal`
   */
  async send<T> (operation: 'bind' | 'search', { signal, allowance, password }: RequestOptions, send: (client: Client) => Promise<T>): Promise<T> {
    this.#socket.allow(allowance)
    signal?.throwIfAborted()
    if (!this.open) throw this.#brokenOff(operation, 'it closed the connection', 'connection')
    let settled = false
    let stopped: Error | undefined
    const stop = (reason: Error): void => {
      if (settled) return
      stopped = reason
      this.#socket.destroy()
    }
    const timeout = this.#timeouts[operation]
    const expire = (): void => { stop(new DirectoryError(`${this.#host.name} did not answer a ${operation} within ${timeout} ms`, 'host')) }
    // lets pending reads run first: if this event loop was blocked, the answer may have arrived
    const timer = setTimeout(() => { setImmediate(expire) }, timeout)
    const abort = (): void => { stop(signal!.reason as Error) }
    signal?.addEventListener('abort', abort, { once: true })
    try {
      const result = await send(this.#client)
      this.#answered = true
      return result
    } catch (error) {
      if (stopped !== undefined) throw stopped
      if (error instanceof ResultCodeError) {
        this.#answered = true
        throw error
      }
      this.#socket.destroy()
      const { answerError } = this.#socket.closeReason
      throw answerError === undefined ? this.#brokenOff(operation, this.redact(messageOf(error), password).split('\n').pop()!) : this.#invalidAnswer(operation, answerError.lost, printable(this.redact(answerError.message, password)))
    } finally {
      settled = true
      this.usedAt = performance.now()
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
  }

  #brokenOff (operation: string, message: string, lost: 'connection' | 'host' = this.#answered ? 'connection' : 'host'): DirectoryError {
    const { socketError, byPeer } = this.#socket.closeReason
    const reason = describeTlsError(socketError) ?? (byPeer === true && !this.#answered ? describeEarlyClose(this.#isEncrypted) : message)
    return new DirectoryError(`${this.#host.name} aborted a ${operation}: ${reason}`, lost)
  }

  #invalidAnswer (operation: string, lost: AnswerError['lost'], reason: string): DirectoryError {
    const { name } = this.#host
    switch (lost) {
      case 'host': return new DirectoryError(`${name} sent an invalid answer to a ${operation}: ${reason}`, 'host')
      case 'nothing': return new DirectoryError(`${name} sent too long an answer to a ${operation}: ${reason}`)
      case 'connection': return new DirectoryError(`${name} aborted a ${operation}: ${reason}`, this.#answered ? 'connection' : 'host')
    }
  }

  /** What the host says. @param password that it was sent */
  messageOf (error: ResultCodeError, password?: string): string {
    return resultMessage(error, this.#isEncrypted, text => this.redact(text, password))
  }

  /** A directory may repeat what it received. */
  redact (text: string, password?: string): string {
    return redactPasswords(text, [...this.#secrets(), ...password === undefined ? [] : [password]])
  }
}
