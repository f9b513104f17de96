/**
 * Bounds what one evaluation costs. Expressions come from the config, but
 * what they loop over, compare and join comes from a token. Costs are counted
 * instead of timed: the same token has the same outcome on a busy machine.
 * Evaluation is synchronous, so that one meter serves all expressions.
 */
import { ExpressionError } from './expression-error.js'
import { entriesOf } from './values.js'

/** Characters; the API server has the same limit. */
export const LONGEST_SOURCE = 10_240

/** Characters of a string that an expression builds. */
export const LONGEST_STRING = 65_536

/** One unit takes about 50 ns. */
const COST_LIMIT = 1_000_000

const DEEPEST = 64

/** Strings are compared and copied much faster than lists. */
export const CHARACTERS_PER_UNIT = 32

let spent = 0
let built = 0

/** Evaluates with a new budget. Not reentrant. */
export function metered<T> (evaluate: () => T): T {
  spent = built = 0
  const stackTraceLimit = Error.stackTraceLimit
  // a loop can cause an error in each round; most of their cost are the stacks
  Error.stackTraceLimit = 0
  try {
    return evaluate()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** @throws ExpressionError when the budget is exhausted, and from then on always */
export function spend (units: number): void {
  spent += units
  if (isExhausted()) throw new ExpressionError('evaluation costs too much for this input')
}

export function isExhausted (): boolean {
  return spent > COST_LIMIT
}

/** Charges a value that was built: no other value of this evaluation can be larger than their sum. */
export function charge<T> (value: T): T {
  built += measure(value)
  return value
}

/** An upper bound for the cost of comparing, searching or joining any two values. */
export function largestSize (): number {
  return built / 2
}

/** Charges a string that a function reads or builds. */
export function chargeText (length: number): void {
  if (length > LONGEST_STRING) throw new ExpressionError(`builds a string of more than ${LONGEST_STRING} characters`)
  spend(1 + length / CHARACTERS_PER_UNIT)
}

/** The size of a value. Spends while it counts, so that shared parts can't make the count itself expensive. */
export function measure (value: unknown, depth = 0): number {
  if (depth > DEEPEST) throw new ExpressionError(`a value is nested more than ${DEEPEST} levels deep`)
  const text = typeof value === 'string' ? value.length : 0
  chargeText(text)
  let size = 1 + text / CHARACTERS_PER_UNIT
  if (Array.isArray(value)) for (const item of value) size += measure(item, depth + 1)
  for (const [key, item] of entriesOf(value) ?? []) size += measure(key, depth + 1) + measure(item, depth + 1)
  return size
}
