/** Macros that name one value: `cel.bind`, and those of optional values. */
import { Optional, type TypeDeclaration } from '@marcbachmann/cel-js'
import { charge } from './bounds.js'
import { ExpressionError } from './expression-error.js'
import { nameOf, reject, type Call, type Macro } from './macro.js'

/** By name and number of arguments. */
export const bindings: Readonly<Record<string, (call: Call) => Macro>> = {
  'bind/3': bind,
  'optMap/2': call => optionalMap(call, true),
  'optFlatMap/2': call => optionalMap(call, false)
}

/** `cel.bind(name, value, expression)` */
function bind ({ args, receiver, ast }: Call): Macro {
  if (receiver.op !== 'id' || receiver.args !== 'cel') reject('bind is a function of cel: cel.bind(name, value, expression)', ast)
  const [name, value, body] = [nameOf(args[0]!), args[1]!, args[2]!]
  let type: TypeDeclaration
  return {
    async: false,
    typeCheck (checker, _, outer) {
      type = checker.check(value, outer)
      return checker.check(body, outer.forkWithVariable(name, type))
    },
    evaluate (evaluator, _, outer) {
      const bound = charge(evaluator.run(value, outer))
      return evaluator.run(body, outer.forkWithVariable(name, type).setIterValue(bound, evaluator))
    }
  }
}

/** `optional.optMap(name, expression)`; with `optFlatMap` the expression is optional itself. */
function optionalMap ({ args, receiver }: Call, wrap: boolean): Macro {
  const [name, body] = [nameOf(args[0]!), args[1]!]
  let type: TypeDeclaration
  return {
    async: false,
    typeCheck (checker, _, outer) {
      const optional = checker.check(receiver, outer)
      if (optional.kind !== 'optional' && optional.kind !== 'dyn') reject(`optMap and optFlatMap need an optional value, not '${optional.name}'`, receiver)
      type = optional.valueType ?? checker.getType('dyn')
      const result = checker.check(body, outer.forkWithVariable(name, type))
      if (wrap) return checker.getType(`optional<${result.name}>`)
      return result.kind === 'optional' ? result : reject('the expression of optFlatMap must be optional', body)
    },
    evaluate (evaluator, _, outer) {
      const optional = evaluator.run(receiver, outer)
      if (!(optional instanceof Optional)) throw new ExpressionError('optMap and optFlatMap need an optional value')
      if (!optional.hasValue()) return optional
      const result = charge(evaluator.run(body, outer.forkWithVariable(name, type).setIterValue(optional.value(), evaluator)))
      return wrap ? Optional.of(result) : result
    }
  }
}
