/**
 * Sign-ins through the ldap provider, each over a directory that answers one
 * request with something else than a real one did. Whatever comes: the process
 * goes on, the sign-in ends in time, and nobody is authenticated unless the
 * directory has said so.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import ldap from '../../plugins/providers/ldap/index.js'
import type { LdapProviderConfig } from '../../schemas/providers/ldap.js'
import type { Answer, RequestContext, IdentityProvider, OpenContext } from '../../src/authn/provider.js'
import { alice } from '../fixtures/people.js'
import { mutate, randomFrom, type Mutation } from './ldap-mutations.js'
import { readAnswer, type Said as Message } from './ldap-oracle.js'
import { readRecording, recordedConfig, type Exchange } from './ldap-recording.js'
import { ReplayDirectory, type Replay, type Said } from './replay-directory.js'
import { watch } from './watchdog.js'

export interface FuzzOptions {
  readonly count: number
  readonly seed: number
  /** Ends earlier, when this time is over. */
  readonly seconds?: number
  readonly log?: (line: string) => void
}

export interface FuzzResult {
  readonly inputs: number
  readonly seconds: number
  /** How often sign-ins ended how. */
  readonly outcomes: Readonly<Record<string, number>>
}

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

const SIGN_IN = { username: alice.user.username, password: alice.password }

/** Sign-ins at once: most of those that wait for bytes that never come wait side by side. */
const CONCURRENCY = 64

/** For bytes that never come; a sign-in that a busy machine keeps from its end in that time is unavailable, as any. */
const PATIENCE = '200ms'

/** Milliseconds in which a busy machine gets through the limits of a sign-in more than once. */
const LONGEST = 60_000

/** Bytes of memory that a run may take beyond what it takes once it is warm. */
const GROWTH = 96 * 1024 * 1024
const WARM = 2_000

const BIND_OK = 0
const WRONG_PASSWORD = 49
const SEARCH_ENTRY = 0x64

/** Where in the recording. */
const USER_SEARCH = 1
const USER_BIND = 2
const UNKNOWN = -1

export async function fuzzConversations ({ count, seed, seconds = Infinity, log = () => {} }: FuzzOptions): Promise<FuzzResult> {
  const exchanges = readRecording()
  const started = performance.now()
  const outcomes: Record<string, number> = {}
  const stray: unknown[] = []
  const note = (error: unknown): void => { stray.push(error) }
  const dog = watch(seed)
  let next = 0
  let warm = 0
  const failure = new AbortController()

  async function work (): Promise<void> {
    const directory = await ReplayDirectory.open(exchanges)
    try {
      while (!failure.signal.aborted && next < count && performance.now() - started < seconds * 1000) {
        const index = next++
        dog.begin(index)
        const how = await signIn(directory, exchanges, seed, index)
        outcomes[how] = (outcomes[how] ?? 0) + 1
        if (stray.length > 0) throw new Error(`an error that nobody handled, near input ${index} of seed ${seed}: ${String((stray[0] as Error).stack ?? stray[0])}`)
        if (index === WARM) warm = memoryInUse()
        if (index > WARM && index % 1000 === 0) {
          const inUse = memoryInUse()
          log(`${index} conversations, ${Math.round(index / (performance.now() - started) * 1000)} a second, ${inUse >> 20} MiB`)
          if (inUse > warm + GROWTH) throw new Error(`memory grew from ${warm >> 20} to ${inUse >> 20} MiB by input ${index} of seed ${seed}`)
        }
      }
    } catch (error) {
      failure.abort()
      throw error
    } finally {
      directory.close()
    }
  }

  const { stackTraceLimit } = Error
  // the streams of Node.js look at the stack of each error, and a loader of TypeScript takes a millisecond for that
  Error.stackTraceLimit = 1
  process.on('uncaughtException', note).on('unhandledRejection', note)
  try {
    await Promise.all(Array.from({ length: CONCURRENCY }, work))
  } finally {
    Error.stackTraceLimit = stackTraceLimit
    process.off('uncaughtException', note).off('unhandledRejection', note)
    dog.stop()
  }
  return { inputs: next, seconds: (performance.now() - started) / 1000, outcomes }
}

/** Bytes, without garbage: how much of that there is depends on the machine. */
function memoryInUse (): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** The conversation as it was recorded: the engine proves nothing where this does not sign in. */
export async function unchangedConversation (): Promise<string> {
  const exchanges = readRecording()
  const directory = await ReplayDirectory.open(exchanges)
  try {
    const replay: Replay = { target: -2, change: () => { throw new Error('nothing is changed') }, said: [] }
    directory.begin(replay)
    const answer = await ask(recordedConfig(directory.port))
    return describe(answer)
  } finally {
    directory.close()
  }
}

async function signIn (directory: ReplayDirectory, exchanges: readonly Exchange[], seed: number, index: number): Promise<string> {
  const random = randomFrom(seed + index * 0x9e3779b1)
  const target = random(exchanges.length + 1)
  let mutation: Mutation | undefined
  // a question that is repeated meets the same
  const replay: Replay = { target, change: answer => { mutation ??= mutate(answer, random); return mutation }, said: [] }
  directory.begin(replay)
  const fail = (what: string): never => {
    const said = replay.said.map(({ exchange, id, bytes }) => `  exchange ${exchange}, id ${id}: ${bytes.toString('hex')}`).join('\n')
    throw new Error(`${what}\ninput ${index} of seed ${seed}, with another answer to exchange ${target}; the directory said\n${said}`)
  }
  let answer: Answer | Error
  try {
    answer = await ask(recordedConfig(directory.port, { startTLS: target === exchanges.length, timeout: PATIENCE }))
  } catch (error) {
    answer = error as Error
  }
  const wrong = violation(answer, replay.said, target === exchanges.length)
  if (wrong !== undefined) fail(wrong)
  return describe(answer).split(' ')[0]!
}

async function ask (config: LdapProviderConfig): Promise<Answer> {
  const provider: IdentityProvider = await ldap.open(config, OPEN)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => { timer = setTimeout(() => { reject(new TypeError(`no end within ${LONGEST} ms`)) }, LONGEST) })
  try {
    return await Promise.race([Promise.resolve(provider.authenticatePassword!(SIGN_IN, { ...ASK, signal: new AbortController().signal })), late])
  } finally {
    clearTimeout(timer)
    await provider.close?.()
  }
}

function describe (answer: Answer | Error): string {
  if (answer instanceof Error) return 'unavailable'
  if (answer === null) return 'nobody'
  return 'denied' in answer ? answer.denied : `authenticated ${answer.user.username} ${(answer.user.groups ?? []).join(',')}`
}

/** What must not be; `undefined` where all is well. */
function violation (answer: Answer | Error, said: readonly Said[], startTLS: boolean): string | undefined {
  if (answer instanceof Error) return (answer as { code?: string }).code === 'AUTHN_DIRECTORY' ? undefined : `no DirectoryError: ${answer.stack}`
  if (startTLS) return `an answer without TLS: ${describe(answer)}`
  const searches = messagesOf(said, USER_SEARCH)
  const binds = messagesOf(said, USER_BIND)
  // under a changed DN too, which the directory does not know
  const refusals = [...binds, ...messagesOf(said, UNKNOWN)]
  if (searches.length === 0) return `${describe(answer)}, though the search for the user got no well-formed answer`
  if (answer === null) return undefined
  if ('denied' in answer) {
    const isRefused = refusals.some(([first]) => first?.code === WRONG_PASSWORD)
    const isAmbiguous = searches.some(answer => answer.filter(({ operation }) => operation === SEARCH_ENTRY).length > 1)
    return answer.denied !== 'wrong-credential' || isRefused || isAmbiguous ? undefined : 'a wrong password, though the directory has refused none'
  }
  if (!binds.some(([first]) => first?.code === BIND_OK)) return 'authenticated, though no bind has succeeded'
  const { username, groups = [], uid = '' } = answer.user
  if (username.toLowerCase() !== SIGN_IN.username) return `authenticated as ${username}`
  const everything = Buffer.concat(said.map(({ bytes }) => bytes))
  // what is no text comes out in base64
  const invented = [uid, ...groups].find(name => !everything.includes(name) && !everything.includes(Buffer.from(name, 'base64')))
  return invented === undefined ? undefined : `the directory never said ${invented}`
}

/** Well-formed answers to a recorded request. */
function messagesOf (said: readonly Said[], exchange: number): Message[][] {
  return said.filter(each => each.exchange === exchange).flatMap(({ bytes, id }) => {
    const answer = readAnswer(bytes, id)
    return answer === undefined ? [] : [answer]
  })
}

const QUIET = { debug () {}, info () {}, warn () {}, error () {} }

const OPEN: OpenContext = {
  log: QUIET,
  signal: new AbortController().signal,
  resolvePath: path => path,
  invalidate () {},
  reportReload () {},
  countEvent () {},
  allowMock: false
}

const ASK: Omit<RequestContext, 'signal'> = {
  audiences: [],
  log: QUIET,
  attempt: async (_identity, check) => await check(),
  attemptUnknown: async (_name, decoy) => { await decoy?.() }
}
