/**
 * The listener to which the browser returns (RFC 8252, 7.3). Every program and
 * every page on this computer can send requests to it: it answers one path, one
 * method and its own address only, and one `state` ends it. A browser may load
 * the page twice: each gets the same answer.
 */
import { timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { orAborted } from '../or-aborted.js'
import { listenOnLoopback } from './listen.js'
import { failedPage, PAGE_HEADERS, signedInPage } from './page.js'

const PATH = '/callback'
/** Bytes of a request's headers; codes are shorter. */
const MAX_HEADER = 16 * 1024

export interface Callback {
  /** With the parameters of the sign-in service. */
  readonly url: URL
  /** Resolves once the page is sent, that of an error or that the person is signed in, or the browser is gone. */
  answer: (error?: string) => Promise<void>
}

interface Page {
  readonly status: number
  readonly body: string
}

export interface CallbackListener {
  readonly redirectURI: string
  /** @throws the reason of `signal` */
  wait: (signal: AbortSignal) => Promise<Callback>
  close: () => Promise<void>
}

/** @throws SignInError if no port can be opened */
export async function listenForCallback (state: string): Promise<CallbackListener> {
  let received: (callback: Callback) => void = () => {}
  const callback = new Promise<Callback>(resolve => { received = resolve })
  let finish: (page: Page) => void = () => {}
  const finished = new Promise<Page>(resolve => { finish = resolve })
  const sent: Array<Promise<void>> = []
  let origin = ''
  const server = createServer({ maxHeaderSize: MAX_HEADER }, (request, response) => {
    const url = callbackURL(request, origin, state)
    if (typeof url === 'number') return refuse(response, url)
    sent.push(finished.then(async page => { await send(response, page) }))
    // the first one counts
    received({ url, async answer (error) { finish(pageOf(error)); await Promise.all(sent) } })
  })
  origin = originOf(await listenOnLoopback(server))
  return {
    redirectURI: `${origin}${PATH}`,
    async wait (signal) {
      return await orAborted(callback, signal)
    },
    async close () {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    }
  }
}

function originOf ({ address, port }: AddressInfo): string {
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}`
}

/** The status to refuse the request with otherwise. A page elsewhere that has its name point here sends another host. */
function callbackURL ({ method, url = '', headers: { host } }: IncomingMessage, origin: string, state: string): URL | number {
  if (`http://${host}` !== origin || !url.startsWith('/')) return 400
  if (!URL.canParse(url, origin)) return 400
  const parsed = new URL(url, origin)
  // "//host/callback" is another host's
  if (parsed.origin !== origin) return 400
  if (parsed.pathname !== PATH) return 404
  if (method !== 'GET') return 405
  return isSame(parsed.searchParams.get('state') ?? '', state) ? parsed : 400
}

function isSame (one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function refuse (response: ServerResponse, status: number): void {
  const message = status === 400 ? 'This is not the sign-in that the terminal waits for.' : 'There is nothing here.'
  send(response, { status, body: failedPage(message) }).catch(() => {})
}

function pageOf (error?: string): Page {
  return error === undefined ? { status: 200, body: signedInPage() } : { status: 400, body: failedPage(error) }
}

/** Resolves once it is sent, or the browser is gone. */
async function send (response: ServerResponse, { status, body }: Page): Promise<void> {
  if (response.closed) return
  const closed = new Promise<void>(resolve => { response.once('close', resolve) })
  response.writeHead(status, { ...PAGE_HEADERS, ...status === 405 && { allow: 'GET' } }).end(body)
  await closed
}
