/** A directory on loopback that says what was recorded, but for one answer. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { message, readRequest, Response, result } from '../fixtures/ber.js'
import type { Exchange } from './ldap-recording.js'
import type { Mutation } from './ldap-mutations.js'

const [BIND, UNBIND, SEARCH, EXTENDED] = [0x60, 0x42, 0x63, 0x77]

/** One conversation: what is said instead of a recorded answer, and what was said. */
export interface Replay {
  /** Of the recorded exchanges; one further for StartTLS. */
  readonly target: number
  readonly change: (answer: readonly Buffer[]) => Mutation
  readonly said: Said[]
}

export interface Said {
  /** Index of the recorded exchange; -1 for a request that was not recorded. */
  readonly exchange: number
  readonly id: number
  readonly bytes: Buffer
}

export class ReplayDirectory {
  readonly #server: Server
  readonly #exchanges: readonly Exchange[]
  readonly #sockets = new Set<Socket>()
  #replay: Replay | undefined

  private constructor (server: Server, exchanges: readonly Exchange[]) {
    this.#server = server
    this.#exchanges = exchanges
    server.on('connection', (socket: Socket) => { this.#serve(socket) })
  }

  static async open (exchanges: readonly Exchange[]): Promise<ReplayDirectory> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new ReplayDirectory(server, exchanges)
  }

  get port (): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Connections from here on belong to this conversation. */
  begin (replay: Replay): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#replay = replay
  }

  close (): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #serve (socket: Socket): void {
    const replay = this.#replay
    this.#sockets.add(socket)
    socket.on('error', () => {}).on('close', () => { this.#sockets.delete(socket) })
    if (replay === undefined) {
      socket.destroy()
      return
    }
    socket.on('data', bytes => {
      // the hello of TLS, or the end
      if (bytes[0] !== 0x30) {
        socket.destroy()
        return
      }
      const { id, operation, body } = readRequest(bytes)
      if (operation === UNBIND) return
      const exchange = operation === EXTENDED ? this.#exchanges.length : this.#exchanges.findIndex(recorded => recorded.body.equals(body))
      const answer = (this.#exchanges[exchange]?.answer ?? [message(id, plainAnswer(operation))]).map(bytes => withId(bytes, id))
      const said = exchange === replay.target ? replay.change(answer) : { bytes: Buffer.concat(answer), closes: false }
      replay.said.push({ exchange, id, bytes: said.bytes })
      socket.write(said.bytes)
      if (said.closes) socket.end()
    })
  }
}

/** To what was not recorded: a wrong password, no entries. */
function plainAnswer (operation: number): Buffer {
  if (operation === BIND) return result(Response.bind, 49)
  return operation === SEARCH ? result(Response.result) : result(Response.extended)
}

/** The message with another ID, of one byte as the recorded one. */
function withId (bytes: Buffer, id: number): Buffer {
  const changed = Buffer.from(bytes)
  const at = bytes[1]! < 0x80 ? 4 : 4 + (bytes[1]! & 0x7f)
  changed[at] = id
  return changed
}
