/**
 * Comprehensions with one and two variables. They replace those of the
 * package, because only here the cost of an evaluation can be counted:
 * everything else runs once for each time it is written.
 */
import type { ASTNode } from '@marcbachmann/cel-js'
import { charge, isExhausted, spend } from './bounds.js'
import { Loop } from './loop.js'
import { checkPredicate, test, type Call, type Macro } from './macro.js'

/** By name and number of arguments. */
export const comprehensions: Readonly<Record<string, (call: Call) => Macro>> = {
  'all/2': call => quantifier(call, false),
  'all/3': call => quantifier(call, false),
  'exists/2': call => quantifier(call, true),
  'exists/3': call => quantifier(call, true),
  'exists_one/2': existsOne,
  'exists_one/3': existsOne,
  'existsOne/3': existsOne,
  'filter/2': call => list(call, 1, call.args[0]!, call.args[1]),
  'map/2': call => list(call, 1, call.args[1]!),
  'map/3': call => list(call, 1, call.args[2]!, call.args[1]),
  'transformList/3': call => list(call, 2, call.args[2]!),
  'transformList/4': call => list(call, 2, call.args[3]!, call.args[2]),
  'transformMap/3': call => map(call, call.args[2]!),
  'transformMap/4': call => map(call, call.args[3]!, call.args[2])
}

/** `all` ends at the first false, `exists` at the first true, which also overrules errors of elements before it. */
function quantifier (call: Call, end: boolean): Macro {
  const predicate = call.args.at(-1)!
  const loop = new Loop(call, call.args.length - 1)
  return {
    async: false,
    typeCheck: (checker, _, outer) => checkPredicate(checker, predicate, loop.check(checker, outer)),
    evaluate (evaluator, _, outer) {
      let failure: Error | undefined
      for (const { scope } of loop.run(evaluator, outer)) {
        try {
          if (test(evaluator, predicate, scope) === end) return end
        } catch (error) {
          if (isExhausted() || !(error instanceof Error)) throw error
          failure ??= error
          spend(UNITS_PER_ERROR)
        }
      }
      if (failure !== undefined) throw failure
      return !end
    }
  }
}

const UNITS_PER_ERROR = 40

function existsOne (call: Call): Macro {
  const predicate = call.args.at(-1)!
  const loop = new Loop(call, call.args.length - 1)
  return {
    async: false,
    typeCheck: (checker, _, outer) => checkPredicate(checker, predicate, loop.check(checker, outer)),
    evaluate (evaluator, _, outer) {
      let count = 0
      for (const { scope } of loop.run(evaluator, outer)) if (test(evaluator, predicate, scope)) count++
      return count === 1
    }
  }
}

function list (call: Call, variables: 1 | 2, transform: ASTNode, predicate?: ASTNode): Macro {
  const loop = new Loop(call, variables)
  return {
    async: false,
    typeCheck (checker, _, outer) {
      const scope = loop.check(checker, outer)
      if (predicate !== undefined) checkPredicate(checker, predicate, scope)
      return checker.getType(`list<${checker.check(transform, scope).name}>`)
    },
    evaluate (evaluator, _, outer) {
      const values: unknown[] = []
      for (const { scope } of loop.run(evaluator, outer)) {
        if (predicate === undefined || test(evaluator, predicate, scope)) values.push(charge(evaluator.run(transform, scope)))
      }
      return values
    }
  }
}

function map (call: Call, transform: ASTNode, predicate?: ASTNode): Macro {
  const loop = new Loop(call, 2)
  return {
    async: false,
    typeCheck (checker, _, outer) {
      const scope = loop.check(checker, outer)
      if (predicate !== undefined) checkPredicate(checker, predicate, scope)
      return checker.getType(`map<${checker.check(call.args[0]!, scope).name}, ${checker.check(transform, scope).name}>`)
    },
    evaluate (evaluator, _, outer) {
      const values = new Map<unknown, unknown>()
      for (const { scope, key } of loop.run(evaluator, outer)) {
        if (predicate === undefined || test(evaluator, predicate, scope)) values.set(key, charge(evaluator.run(transform, scope)))
      }
      return values
    }
  }
}
