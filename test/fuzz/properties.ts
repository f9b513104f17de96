/** Properties of what runs in the fuzzer's own process: a run of fast-check a case. */
import { check, type IProperty, type RunDetails } from 'fast-check'
import type { Goal, Result } from './service-target.js'

/** Runs of one property in one case. */
const RUNS = 200

export type Properties = Readonly<Record<string, IProperty<any>>>

/** Each property in turn, until the goal is reached or one fails. */
export async function fuzzProperties (properties: Properties, { seed, seconds, inputs: most, cases }: Goal): Promise<Result> {
  const names = Object.keys(properties)
  const began = performance.now()
  let inputs = 0
  for (let number = cases?.first ?? 0; number <= (cases?.last ?? Infinity); number++) {
    if (inputs >= most || performance.now() - began > seconds * 1000) break
    const name = names[number % names.length]!
    const details = check(properties[name]!, { seed: (seed + number) | 0, numRuns: RUNS })
    inputs += details.numRuns
    if (details.failed) return { inputs, failure: { message: messageOf(name, details), number, range: [number, number] }, comment: '' }
  }
  return { inputs, comment: `${names.length} properties, ${Math.round(inputs / (performance.now() - began) * 1000)} inputs/s` }
}

function messageOf (name: string, { counterexample, errorInstance }: RunDetails<unknown>): string {
  const shown = JSON.stringify(counterexample)?.replace(/[^\x20-\x7e]/gu, character => `\\u{${character.codePointAt(0)!.toString(16)}}`)
  return `${name}: ${errorInstance instanceof Error ? errorInstance.message : String(errorInstance)}, with ${shown}`
}
