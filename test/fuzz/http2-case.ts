/** One HTTP/2 connection of the fuzzer: what is written, in which pieces, how it ends. */
import { body } from './bodies.js'
import { fieldBlock, Flag, frame, integer, MAGIC, settings, Type, word } from './frames.js'
import { errorCode, oddStream, reviewStream, type StreamPlan } from './http2-streams.js'
import type { Random } from './random.js'

export const ENDINGS = ['wait', 'reset', 'abort', 'half-close', 'close', 'goaway'] as const
export type Ending = typeof ENDINGS[number]

/** Whose certificate the connection has. */
export type Client = 'api-server' | 'stranger' | 'nobody'

export interface ConnectionPlan {
  readonly client: Client
  readonly inputs: number
  /** Each is one write; between two the loop turns once. */
  readonly writes: readonly Buffer[]
  readonly ending: Ending
  /** Who may be authenticated, by stream. */
  readonly bearers: ReadonlyMap<number, string>
  /** Streams that have to be answered. */
  readonly due: ReadonlySet<number>
}

/** @param wildSessions see {@link Connector.wildSessions} */
export function http2Plan (random: Random, wildSessions = true): ConnectionPlan {
  const manners = random.weighted([[3, 'calm'], [4, 'odd'], [3, 'wild']])
  const wild = manners === 'wild'
  const oddity = manners === 'calm' ? (): StreamPlan => reviewStream(random, body(random)) : (): StreamPlan => oddStream(random, wild)
  const streams = Array.from({ length: random.weighted([[6, random.between(1, 5)], [5, random.between(5, 40)], [1, random.between(40, 300)]]) }, () => random.chance(0.35) ? reviewStream(random) : oddity())
  const opening = opened(random, wild)
  const { pieces, bearers, due } = interleave(random, streams, wild)
  if (wild && random.chance(0.6)) pieces.splice(random.between(0, pieces.length), 0, fatal(random))
  const ending = random.weighted<Ending>([[9, 'wait'], [2, 'reset'], [1, 'abort'], [1, 'half-close'], [1, 'close'], [1, 'goaway']])
  if (ending === 'goaway') pieces.push(frame(Type.goaway, 0, 0, Buffer.concat([word(0), word(errorCode(random))])))
  const client = random.weighted<Client>([[6, 'api-server'], [1, 'stranger'], [3, 'nobody']])
  return {
    client: client === 'api-server' && !wildSessions && (wild || ending === 'goaway') ? 'stranger' : client,
    inputs: streams.length,
    writes: cut(random, [opening, ...pieces]),
    ending,
    bearers,
    // a request that is malformed may end the whole connection (Node 24 does so), and more streams at once than it may have are refused
    due: manners !== 'calm' || ending !== 'wait' || streams.length > 100 || sum(pieces) > WINDOW ? new Set() : due
  }
}

/** Bytes that may be sent before the service says that it took some: flow control is not for this client. */
const WINDOW = 60_000

function sum (pieces: readonly Buffer[]): number {
  return pieces.reduce((bytes, { length }) => bytes + length, 0)
}

/** The preface; a window of nothing lets no answer out, a small one lets it out in pieces. */
function opened (random: Random, wild: boolean): Buffer {
  const window = frame(Type.windowUpdate, 0, 0, word(1 << 24))
  if (!wild) return Buffer.concat([MAGIC, settings([[1, 0], [2, 0], [4, 1 << 20]]), window])
  const magic = random.chance(0.03) ? Buffer.concat([MAGIC.subarray(0, random.below(24)), random.bytes(random.below(30))]) : MAGIC
  const first = random.weighted([
    [6, settings([[1, random.pick([0, 4_096, 65_536])], [4, random.pick([0, 1, 100, 65_535, 0x7fff_ffff])]])],
    [3, settings(Array.from({ length: random.below(40) }, () => setting(random)))],
    [1, Buffer.alloc(0)]
  ])
  return random.chance(0.5) ? Buffer.concat([magic, first]) : Buffer.concat([magic, first, window])
}

function setting (random: Random): [number, number] {
  return random.pick<[number, number]>([[1, random.next()], [2, random.below(3)], [3, random.below(1_000)], [4, random.below(0x7fff_ffff)], [5, random.between(16_384, 0xff_ffff)], [6, random.below(100)], [8, random.below(2)], [random.below(65_536), random.next()]])
}

/** Every stream's frames in their order, those of different streams mixed, now and then something else between them. */
function interleave (random: Random, streams: readonly StreamPlan[], wild: boolean): { pieces: Buffer[], bearers: Map<number, string>, due: Set<number> } {
  const pieces: Buffer[] = []
  const bearers = new Map<number, string>()
  const due = new Set<number>()
  const waiting = [...streams].reverse()
  const open: Array<{ id: number, frames: StreamPlan['frames'], at: number }> = []
  const most = random.pick([1, 1, 4, 50])
  for (let id = 1; waiting.length > 0 || open.length > 0;) {
    if (waiting.length > 0 && open.length < most) {
      const plan = waiting.pop()!
      if (plan.bearer !== undefined) bearers.set(id, plan.bearer)
      if (plan.due) due.add(id)
      open.push({ id, frames: plan.frames, at: 0 })
      // HEADERS at once: a number below one that was used is an error of the connection
      pieces.push(plan.frames[0]!(id))
      open.at(-1)!.at = 1
      id += 2
    } else {
      const index = random.below(open.length)
      const stream = open[index]!
      const next = stream.frames[stream.at++]
      if (next === undefined) open.splice(index, 1)
      else pieces.push(next(stream.id))
    }
    if (wild && random.chance(0.15)) pieces.push(between(random, id))
  }
  return { pieces, bearers, due }
}

/** What a connection bears. */
function between (random: Random, next: number): Buffer {
  const stream = 1 + 2 * random.below(Math.max(1, (next - 1) / 2))
  return random.pick<() => Buffer>([
    () => frame(Type.ping, 0, 0, random.bytes(8)),
    () => frame(Type.ping, Flag.ack, 0, random.bytes(8)),
    () => settings([setting(random)]),
    () => frame(Type.settings, Flag.ack, 0),
    () => frame(Type.windowUpdate, 0, random.chance(0.5) ? 0 : stream, word(random.pick([1, 100, 65_535]))),
    () => frame(Type.priority, 0, random.pick([stream, next + 100]), Buffer.concat([word(random.pick([0, 1, stream])), Buffer.from([random.below(256)])])),
    () => frame(Type.reset, 0, stream, word(errorCode(random))),
    () => frame(Type.data, random.below(2), stream, random.bytes(random.below(200))),
    () => frame(random.between(10, 255), random.below(256), random.pick([0, stream]), random.bytes(random.below(60))),
    () => frame(0x10, 0, 0, Buffer.concat([word(stream), Buffer.from('u=1')]))
  ])()
}

/** What ends a connection, or should. */
function fatal (random: Random): Buffer {
  const stream = 1 + 2 * random.below(20)
  return random.pick<() => Buffer>([
    () => frame(Type.data, 0, 0, Buffer.from('x')),
    () => frame(Type.headers, Flag.endHeaders, random.pick([0, 2, 4]), fieldBlock([[':method', 'GET']])),
    () => frame(Type.pushPromise, Flag.endHeaders, stream, Buffer.concat([word(2), fieldBlock([[':method', 'GET']])])),
    () => frame(Type.continuation, Flag.endHeaders, stream, random.bytes(5)),
    () => frame(Type.headers, 0, stream + 1_000, fieldBlock([[':method', 'GET']])),
    () => frame(Type.headers, Flag.endHeaders, stream + 1_000, random.bytes(random.below(50))),
    () => frame(Type.headers, Flag.endHeaders, stream + 1_000, integer(random.pick([62, 100, 2 ** 31]), 7, 0x80)),
    () => frame(Type.headers, Flag.endHeaders | Flag.padded, stream + 1_000, Buffer.from([255, 1])),
    () => frame(Type.headers, Flag.endHeaders | Flag.endStream, stream + 1_000, fieldBlock(Array.from({ length: 300 }, (_, index) => [`h${index}`, 'x'.repeat(50)] as const)).subarray(0, 16_384)),
    () => Buffer.concat([frame(Type.headers, 0, stream + 1_000, fieldBlock([[':method', 'GET']])), ...Array.from({ length: random.pick([2, 20]) }, () => frame(Type.continuation, 0, stream + 1_000, fieldBlock([['x', 'y'.repeat(1_000)]])))]),
    () => frame(Type.windowUpdate, 0, random.pick([0, stream]), word(random.pick([0, 0x7fff_ffff]))),
    () => frame(Type.settings, random.pick([0, Flag.ack]), random.pick([0, 1]), random.bytes(random.pick([1, 5, 7]))),
    () => settings([[4, 0xffff_ffff]]),
    () => settings([[5, random.pick([0, 0xffff_ffff])]]),
    () => frame(Type.ping, 0, random.pick([0, 1]), random.bytes(7)),
    () => frame(Type.goaway, 0, 0, random.bytes(random.pick([3, 8, 100]))),
    () => frame(Type.goaway, 0, 0, Buffer.concat([word(random.pick([0, 2 ** 31 - 1])), word(errorCode(random))])),
    () => frame(Type.reset, 0, random.pick([0, stream + 1_000]), word(8)),
    () => frame(Type.reset, 0, stream, random.bytes(3)),
    () => frame(Type.priority, 0, random.pick([0, stream]), random.bytes(random.pick([4, 5, 6]))),
    () => Buffer.concat([Buffer.from([0xff, 0xff, 0xff, random.below(10), 0, 0, 0, 0, 1]), random.bytes(100)]),
    () => random.bytes(random.between(1, 200)),
    () => Buffer.concat(Array.from({ length: random.pick([50, 1_100]) }, () => frame(Type.ping, 0, 0, Buffer.alloc(8)))),
    () => Buffer.concat(Array.from({ length: random.pick([50, 1_100]) }, () => settings([]))),
    () => rapidReset(random, stream + 1_000)
  ])()
}

function rapidReset (random: Random, first: number): Buffer {
  const block = fieldBlock([[':method', 'POST'], [':scheme', 'https'], [':path', '/authenticate'], [':authority', 'x'], ['content-type', 'application/json'], ...random.chance(0.5) ? [['expect', '100-continue'] as const] : []])
  return Buffer.concat(Array.from({ length: random.pick([20, 1_100]) }, (_, index) => Buffer.concat([
    frame(Type.headers, Flag.endHeaders, first + 2 * index, block), frame(Type.reset, 0, first + 2 * index, word(8))
  ])))
}

/** Everything in one write, a frame each, or cut wherever it comes. */
function cut (random: Random, pieces: readonly Buffer[]): Buffer[] {
  const style = random.below(10)
  const whole = Buffer.concat(pieces)
  if (style < 5) return [whole]
  if (style < 6 && pieces.length < 100) return [...pieces]
  const cuts = Array.from({ length: random.between(1, 6) }, () => random.below(whole.length)).sort((a, b) => a - b)
  return [0, ...cuts].map((start, index) => whole.subarray(start, cuts[index] ?? whole.length)).filter(({ length }) => length > 0)
}
