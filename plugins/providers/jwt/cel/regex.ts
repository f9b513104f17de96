/** `matches`, `find` and `findAll` with RE2, in linear time. The package's own `matches` can backtrack forever. */
import { LRUCache } from 'lru-cache'
import { RE2JS } from 're2js'
import { charge, spend } from './bounds.js'
import { ExpressionError } from './expression-error.js'
import type { Library } from './functions.js'

export const regex: Library = {
  functions: {
    'string.matches(string): bool': (text: string, pattern: string) => matcher(text, pattern).find(),
    'string.find(string): string': (text: string, pattern: string) => findAll(text, pattern, 1n)[0] ?? '',
    'string.findAll(string): list<string>': (text: string, pattern: string) => findAll(text, pattern, -1n),
    'string.findAll(string, int): list<string>': findAll,
    'matches(string, string): bool': (text: string, pattern: string) => matcher(text, pattern).find()
  }
}

/** @throws ExpressionError if it is not valid RE2 */
export function compilePattern (pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern)
  } catch {
    throw new ExpressionError('invalid regular expression')
  }
}

/** Most patterns are literals. Patterns from a token are rare, but must not fill the memory. */
const compiled = new LRUCache<string, RE2JS>({ max: 256 })

function matcher (text: string, pattern: string): ReturnType<RE2JS['matcher']> {
  let expression = compiled.get(pattern)
  if (expression === undefined) {
    spend(pattern.length * UNITS_PER_PATTERN_CHARACTER)
    compiled.set(pattern, expression = compilePattern(pattern))
  }
  spend(UNITS_PER_MATCH + text.length * expression.programSize() / STEPS_PER_UNIT)
  return expression.matcher(text)
}

const UNITS_PER_PATTERN_CHARACTER = 500
const STEPS_PER_UNIT = 8
const UNITS_PER_MATCH = 20

function findAll (text: string, pattern: string, limit: bigint): string[] {
  const found: string[] = []
  const matches = matcher(text, pattern)
  let end = -1
  while (BigInt(found.length) !== limit && matches.find()) {
    spend(UNITS_PER_MATCH)
    // as Go: no empty match directly after another match
    if (matches.end() === matches.start() && matches.start() === end) continue
    end = matches.end()
    found.push(charge(matches.group() ?? ''))
  }
  return found
}
