/**
 * One sign-in at a time for each account, across processes. The holder writes the
 * port of a loopback listener into a file; others connect and wait until the
 * connection ends. The kernel closes it however the holder ends, so that a killed
 * one is noticed at once.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, isIP, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { withLock } from '../../files/lock.js'
import { listenOnLoopback } from '../loopback/listen.js'
import { readPrivateFile } from './entries.js'

export interface SignInLock {
  release: () => Promise<void>
}

export interface WaitOptions {
  /** Ends the waiting with its reason. */
  readonly signal: AbortSignal
  /** Called if another process holds the lock. */
  readonly onWait: () => void
  /** Milliseconds; for tests. */
  readonly patience?: number
}

interface Holder {
  /** IPv4 or IPv6 loopback. */
  readonly address: string
  readonly port: number
  /** What the listener sends: another program may have the port by now. */
  readonly nonce: string
}

/** Milliseconds in which a holder answers; a busy machine takes its time. */
const PATIENCE = 10_000

/**
 * The lock, or `undefined` once a holder has ended: its result is then in the cache.
 * @param directory private, and existing
 * @throws SignInError if its file is one that others could have written, or none
 */
export async function acquireOrWait (directory: string, key: string, { signal, onWait, patience = PATIENCE }: WaitOptions): Promise<SignInLock | undefined> {
  const file = join(directory, `${key}.lock`)
  for (;;) {
    const holder = readHolder(file)
    if (holder === undefined) {
      const lock = await tryAcquire(file)
      if (lock !== undefined) return lock
    } else {
      if (await waitForEnd(holder, { signal, onWait, patience })) return undefined
      await removeIf(file, holder)
    }
  }
}

/** `undefined` if another process was faster. */
async function tryAcquire (file: string): Promise<SignInLock | undefined> {
  const nonce = randomBytes(16).toString('base64url')
  const waiting = new Set<Socket>()
  const server = createServer(socket => {
    waiting.add(socket)
    socket.on('error', () => {}).on('close', () => { waiting.delete(socket) })
    socket.write(`${nonce}\n`)
  })
  const { address, port } = await listenOnLoopback(server)
  const holder: Holder = { address, port, nonce }
  // the short lock is for the moment in which the file is compared and written
  const acquired = await withLock(file, () => {
    if (readHolder(file) !== undefined) return false
    writeFileSync(file, JSON.stringify(holder), { mode: 0o600 })
    return true
  })
  const release = async (): Promise<void> => {
    if (acquired) await removeIf(file, holder)
    await close(server, waiting)
  }
  if (acquired) return { release }
  await release()
  return undefined
}

async function close (server: Server, waiting: ReadonlySet<Socket>): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  for (const socket of waiting) socket.destroy()
  await closed
}

async function removeIf (file: string, holder: Holder): Promise<void> {
  await withLock(file, () => {
    if (readHolder(file)?.nonce === holder.nonce) rmSync(file, { force: true })
  })
}

/** `undefined` without a file, or if its writer was killed before it was complete. */
function readHolder (file: string): Holder | undefined {
  const value = readPrivateFile(file)
  if (typeof value !== 'object' || value === null) return undefined
  const { address, port, nonce } = value as Partial<Record<keyof Holder, unknown>>
  const isComplete = isIP(String(address)) !== 0 && Number.isInteger(port) && port as number > 0 && port as number < 65_536 && typeof nonce === 'string'
  return isComplete ? value as Holder : undefined
}

/** Whether the holder was there, once it is gone. */
async function waitForEnd ({ address, port, nonce }: Holder, { signal, onWait, patience }: Required<WaitOptions>): Promise<boolean> {
  signal.throwIfAborted()
  const socket = connect(port, address)
  const stop = (): void => { socket.destroy() }
  signal.addEventListener('abort', stop)
  const timer = setTimeout(stop, patience)
  let received = ''
  let present = false
  socket.setEncoding('utf8').on('error', () => {}).on('data', (text: string) => {
    received = `${received}${text}`.slice(0, nonce.length + 1)
    if (!present && received === `${nonce}\n`) {
      present = true
      clearTimeout(timer)
      onWait()
    } else if (!`${nonce}\n`.startsWith(received)) stop()
  })
  await new Promise(resolve => { socket.once('close', resolve) })
  clearTimeout(timer)
  signal.removeEventListener('abort', stop)
  signal.throwIfAborted()
  return present
}
