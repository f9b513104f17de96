/**
 * The steps of shared failed-password counts, in Lua: Redis runs each as one
 * atomic step. The rules are those of src/authn/failure-counts.ts and
 * failure-budgets.ts. An account is one key, so that this works in a cluster;
 * the clock is that of Redis.
 *
 * Its value: `count` failures in a row since `first`, the latest at `last`;
 * when the right password was last used (`forgotten`, the generation); digests of the latest wrong
 * passwords (`guesses`); when each reservation expires (`reserved`).
 */
import { defineScript, type CommandParser } from '@redis/client'
import { MAX_GUESSES, maxCountOf, type FailureDelays, type FailureRun } from '../authn/failure-counts.js'
import type { SharedOutcome } from '../authn/shared-failures.js'

const COMMON = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function load(maxDelay)
  local text = redis.call('GET', KEYS[1])
  local state = text and cjson.decode(text) or { count = 0, first = 0, last = 0, forgotten = 0, guesses = {}, reserved = {} }
  if now - state.last >= state.count * maxDelay then
    state.count = 0
    state.guesses = {}
  end
  for id, expiry in pairs(state.reserved) do
    if now >= expiry then state.reserved[id] = nil end
  end
  return state
end

local function save(state, maxDelay, maxCount)
  local life = 0
  if state.count > 0 then life = state.last + state.count * maxDelay - now end
  if state.forgotten > 0 then life = math.max(life, state.forgotten + maxCount * maxDelay - now) end
  for _, expiry in pairs(state.reserved) do life = math.max(life, expiry - now) end
  if life < 1 then
    redis.call('DEL', KEYS[1])
  else
    redis.call('SET', KEYS[1], cjson.encode(state), 'PX', string.format('%.0f', life))
  end
end
`

const BEGIN = `${COMMON}
local id, lease = ARGV[1], tonumber(ARGV[2])
local maxFailures, baseDelay, maxDelay, maxCount = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local localCount, localFirst, localLast, localGeneration = tonumber(ARGV[7]), now - tonumber(ARGV[8]), now - tonumber(ARGV[9]), tonumber(ARGV[10])
local state = load(maxDelay)

-- counted while Redis was away: ages are less exact, since the request took its time
local started = localGeneration >= 0 and localGeneration or localFirst
local outdated = localCount > 0 and started < state.forgotten
if localCount > state.count and not outdated then
  state.count = math.min(localCount, maxCount)
  state.first = localFirst
  state.last = math.max(state.last, localLast)
end

local reserved = 0
for _ in pairs(state.reserved) do reserved = reserved + 1 end
local admitted
if reserved == 0 then
  local beyond = state.count - maxFailures
  local delay = beyond > 0 and math.min(baseDelay * 2 ^ (beyond - 1), maxDelay) or 0
  admitted = state.count == 0 or now - state.last >= delay
else
  admitted = state.count + reserved <= maxFailures
end
if admitted then state.reserved[id] = now + lease end
save(state, maxDelay, maxCount)
return { admitted and 1 or 0, outdated and 1 or 0, string.format('%.0f', state.forgotten) }
`

const END = `${COMMON}
local id, outcome, guess = ARGV[1], ARGV[2], ARGV[3]
local maxDelay, maxCount, maxGuesses = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local state = load(maxDelay)
state.reserved[id] = nil
if outcome == 'correct' then
  state.count = 0
  state.guesses = {}
  state.forgotten = math.max(now, state.forgotten + 1)
elseif outcome == 'incorrect' or outcome == 'repeated' then
  local known = false
  for _, each in ipairs(state.guesses) do known = known or each == guess end
  if not known and outcome == 'incorrect' then
    if state.count == 0 then state.first = now end
    state.count = math.min(state.count + 1, maxCount)
    state.last = now
  end
  if not known and guess ~= '' and state.count > 0 then
    table.insert(state.guesses, guess)
    if #state.guesses > maxGuesses then table.remove(state.guesses, 1) end
  end
end
save(state, maxDelay, maxCount)
return 1
`

/** Needs every permission that the store and the counts need, and memory. */
const PROBE = `
redis.call('TIME')
redis.call('SET', KEYS[1], '1', 'PX', '1000')
redis.call('GET', KEYS[1])
return redis.call('DEL', KEYS[1])
`

export interface BeginStep {
  /** Of the reservation. */
  readonly id: string
  /** Milliseconds until the reservation expires. */
  readonly lease: number
  readonly delays: FailureDelays
  readonly local: FailureRun | undefined
}

export interface BeginReply {
  readonly admitted: boolean
  readonly outdated: boolean
  readonly generation: number
}

export interface EndStep {
  readonly id: string
  readonly outcome: SharedOutcome
  /** A digest of the password; empty: unknown. */
  readonly guess: string
  readonly delays: FailureDelays
}

export const scripts = {
  beginAttempt: defineScript({
    SCRIPT: BEGIN,
    NUMBER_OF_KEYS: 1,
    parseCommand (parser: CommandParser, key: string, { id, lease, delays, local }: BeginStep) {
      parser.pushKey(key)
      const { maxFailures, baseDelay, maxDelay } = delays
      const { count = 0, firstAge = 0, lastAge = 0, generation = -1 } = local ?? {}
      parser.push(id, ...[lease, maxFailures, baseDelay, maxDelay, maxCountOf(delays), count, firstAge, lastAge, generation].map(String))
    },
    transformReply: ([admitted, outdated, forgotten]: [number, number, string]): BeginReply => ({ admitted: admitted === 1, outdated: outdated === 1, generation: Number(forgotten) })
  }),
  endAttempt: defineScript({
    SCRIPT: END,
    NUMBER_OF_KEYS: 1,
    parseCommand (parser: CommandParser, key: string, { id, outcome, guess, delays }: EndStep) {
      parser.pushKey(key)
      parser.push(id, outcome, guess, ...[delays.maxDelay, maxCountOf(delays), MAX_GUESSES].map(String))
    },
    transformReply: (reply: number) => reply
  }),
  probe: defineScript({
    SCRIPT: PROBE,
    NUMBER_OF_KEYS: 1,
    parseCommand (parser: CommandParser, key: string) {
      parser.pushKey(key)
    },
    transformReply: (reply: number) => reply
  })
}
