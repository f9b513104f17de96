/**
 * The fuzzer. Every input follows from the seed, so that a failure can be
 * played again. `npm run fuzz -- --help` lists the options.
 */
import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fuzzFiles } from './files.js'
import { describeHttp1, runHttp1 } from './http1.js'
import { describeHttp2, runHttp2 } from './http2.js'
import { fuzzConversations } from './ldap-conversations.js'
import { fuzzNames } from './names.js'
import { Random } from './random.js'
import { fuzzService, type Goal, type Result } from './service-target.js'

/** Characters of an input that are printed. */
const SHOWN = 2_000

interface Target {
  /** Its part of the time. */
  readonly share: number
  readonly fuzz: (goal: Goal) => Promise<Result>
  /** A case in hex or JSON. */
  readonly describe?: (random: Random) => string
}

/** Tells the targets' cases apart. */
const ID = { http2: 2, http1: 1 } as const

const TARGETS: Record<string, Target> = {
  http2: { share: 5, fuzz: async goal => await fuzzService(ID.http2, runHttp2, goal), describe: describeHttp2 },
  http1: { share: 3, fuzz: async goal => await fuzzService(ID.http1, runHttp1, goal), describe: describeHttp1 },
  ldap: { share: 3, fuzz: fuzzLdap },
  names: { share: 1, fuzz: fuzzNames },
  files: { share: 1, fuzz: fuzzFiles }
}

/** A directory's answers. A case can't be played alone: the seed plays all again. */
async function fuzzLdap ({ seed, seconds, inputs: most }: Goal): Promise<Result> {
  try {
    const { inputs, outcomes } = await fuzzConversations({ count: most, seed, seconds })
    return { inputs, comment: Object.entries(outcomes).map(([outcome, count]) => `${outcome} ${count}`).join(', ') }
  } catch (error) {
    return { inputs: 0, failure: { message: (error as Error).message, number: undefined, range: undefined }, comment: '' }
  }
}

const HELP = `usage: npm run fuzz -- [options]

  --seconds <n>    for all targets together (60)
  --inputs <n>     at most for each target
  --seed <n>       plays the same again
  --case <n[-m]>   these cases only
  --only <names>   of ${Object.keys(TARGETS).join(', ')}
  --node <path>    the Node.js that runs the service
  --wild-sessions  end HTTP/2 sessions of accepted clients in the midst of frames, which Node.js itself does not always survive`

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    inputs: { type: 'string' },
    seed: { type: 'string', default: String(randomInt(2 ** 32)) },
    case: { type: 'string' },
    only: { type: 'string', default: Object.keys(TARGETS).join() },
    node: { type: 'string', default: process.execPath },
    'wild-sessions': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' }
  }
})
if (options.help === true) {
  console.log(HELP)
  process.exit()
}
const seed = Number(options.seed)
const [first, last = first] = options.case?.split('-').map(Number) ?? []
const names = options.only.split(',')
const shares = names.reduce((sum, name) => sum + (TARGETS[name]?.share ?? 0), 0)
console.log(`seed ${seed}`)

let failed = false
for (const name of names) {
  const target = TARGETS[name]
  if (target === undefined) throw new Error(`no such target: ${name}; there are ${Object.keys(TARGETS).join(', ')}`)
  const { inputs, failure, comment } = await target.fuzz({
    seed,
    seconds: Number(options.seconds) * target.share / shares,
    inputs: Number(options.inputs ?? Infinity),
    cases: first === undefined ? undefined : { first, last: last! },
    node: options.node,
    wildSessions: options['wild-sessions']
  })
  if (failure !== undefined) {
    failed = true
    const { number, range, message } = failure
    const cases = range === undefined ? '' : ` --case ${number ?? range.join('-')}`
    console.log(`${name}: ${message}`)
    console.log(`again: npm run fuzz -- --seed ${seed} --only ${name}${cases}`)
    if (number !== undefined && target.describe !== undefined) {
      const described = target.describe(new Random(seed, ID[name as keyof typeof ID], number))
      const file = join(tmpdir(), `authn-webhook-fuzz-${seed}-${name}-${number}.json`)
      writeFileSync(file, described)
      console.log(`${described.slice(0, SHOWN)}${described.length > SHOWN ? '…' : ''}\nwhole: ${file}`)
    }
  }
  console.log(`${name}: ${inputs} inputs, ${failure === undefined ? 0 : 1} failed${comment === '' ? '' : ` (${comment})`}`)
}
process.exit(failed ? 1 : 0)
