/** What a hostile directory, or somebody on the way, makes of a good answer: one change of its bytes, from a seed. */

/** Numbers from 0 up to, not including, `end`. */
export type Random = (end: number) => number

/** mulberry32: the same numbers for the same seed, everywhere. */
export function randomFrom (seed: number): Random {
  let state = seed >>> 0
  return end => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 * end)
  }
}

/** Bytes that mean something in BER: ends of ranges of lengths, long and indefinite lengths, tags. */
const TELLING = [0x00, 0x01, 0x02, 0x04, 0x0a, 0x1f, 0x30, 0x31, 0x42, 0x60, 0x61, 0x63, 0x64, 0x65, 0x73, 0x78, 0x79, 0x7f, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x87, 0x8a, 0xa0, 0xa3, 0xfe, 0xff]

export interface Mutation {
  readonly bytes: Buffer
  /** The connection ends behind them. */
  readonly closes: boolean
}

type Mutate = (messages: readonly Buffer[], random: Random) => Buffer

const MUTATIONS: readonly Mutate[] = [
  (messages, random) => replaced(Buffer.concat(messages), random, byte => byte ^ (1 << random(8))),
  (messages, random) => replaced(Buffer.concat(messages), random, () => TELLING[random(TELLING.length)]!),
  (messages, random) => replaced(Buffer.concat(messages), random, byte => byte + (random(2) === 0 ? 1 : 255)),
  (messages, random) => replaced(Buffer.concat(messages), random, () => random(256)),
  // an insertion, a deletion, a piece that comes twice
  (messages, random) => spliced(Buffer.concat(messages), random, at => [at, at, Buffer.from([TELLING[random(TELLING.length)]!])]),
  (messages, random) => spliced(Buffer.concat(messages), random, at => [at, at + 1 + random(4), Buffer.alloc(0)]),
  (messages, random) => spliced(Buffer.concat(messages), random, (at, bytes) => [at, at, bytes.subarray(at, at + 1 + random(40))]),
  // cut short; and with something behind it
  (messages, random) => spliced(Buffer.concat(messages), random, (at, bytes) => [at, bytes.length, Buffer.alloc(0)]),
  (messages, random) => Buffer.concat([...messages, Buffer.from(Array.from({ length: 1 + random(16) }, () => random(256)))]),
  // whole messages: one left out, one twice, many times, in another order
  (messages, random) => { const at = random(messages.length); return Buffer.concat(messages.filter((_, index) => index !== at)) },
  (messages, random) => { const at = random(messages.length); return Buffer.concat([...messages.slice(0, at), messages[at]!, ...messages.slice(at)]) },
  (messages, random) => { const at = random(messages.length); return Buffer.concat([...messages.slice(0, at), ...new Array<Buffer>(300).fill(messages[at]!), ...messages.slice(at)]) },
  messages => Buffer.concat([...messages].reverse())
]

export function mutate (messages: readonly Buffer[], random: Random): Mutation {
  const { [random(MUTATIONS.length)]: change } = MUTATIONS
  return { bytes: change!(messages, random), closes: random(8) !== 0 }
}

function replaced (bytes: Buffer, random: Random, by: (byte: number) => number): Buffer {
  const changed = Buffer.from(bytes)
  const at = random(bytes.length)
  changed[at] = by(changed[at]!) & 0xff
  return changed
}

function spliced (bytes: Buffer, random: Random, piece: (at: number, bytes: Buffer) => readonly [from: number, to: number, inserted: Buffer]): Buffer {
  const [from, to, inserted] = piece(random(bytes.length), bytes)
  return Buffer.concat([bytes.subarray(0, from), inserted, bytes.subarray(to)])
}
