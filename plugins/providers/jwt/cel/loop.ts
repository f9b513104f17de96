import type { ASTNode, OverlayContext, TypeDeclaration } from '@marcbachmann/cel-js'
import { largestSize, measure, spend } from './bounds.js'
import { ExpressionError } from './expression-error.js'
import { nameOf, reject, type Call, type Checker, type Evaluator, type Scope } from './macro.js'
import { isLinear, nodes } from './syntax-tree.js'
import { entriesOf } from './values.js'

/** One loop: the variables that it sets, and the cost of each round. */
export class Loop {
  readonly #range: ASTNode
  readonly #names: readonly string[]
  readonly #cost: number
  readonly #linear: number
  #types: TypeDeclaration[] = []

  constructor ({ receiver, args }: Call, variables: number) {
    this.#range = receiver
    this.#names = args.slice(0, variables).map(nameOf)
    const body = args.slice(variables).flatMap(node => [...nodes(node)])
    this.#cost = 10 + 2 * body.length + UNITS_PER_ERROR * body.filter(({ op }) => op === '||' || op === '&&').length
    this.#linear = body.filter(node => isLinear(node, this.#names)).length
  }

  /** The scope of the body, for the type checker. */
  check (checker: Checker, scope: Scope): Scope {
    const range = checker.check(this.#range, scope)
    if (range.kind !== 'dyn' && range.kind !== 'list' && range.kind !== 'map') {
      reject(`an expression of type '${range.name}' cannot be the range of a comprehension: it must be a list or map`, this.#range)
    }
    const dyn = checker.getType('dyn')
    const key = range.kind === 'map' ? range.keyType! : range.kind === 'list' ? checker.getType('int') : dyn
    const value = range.valueType ?? dyn
    this.#types = this.#names.length === 2 ? [key, value] : [range.kind === 'map' ? key : value]
    return this.#scopes(scope).at(-1)!
  }

  /** Sets the variables for each element, in the same scope. */
  * run (evaluator: Evaluator, scope: Scope): Generator<{ scope: Scope, key: unknown, value: unknown }> {
    const range = evaluator.run(this.#range, scope)
    const entries = Array.isArray(range) ? range.entries() : entriesOf(range)
    if (entries === undefined) throw new ExpressionError('the range of a comprehension must be a list or map')
    const scopes = this.#scopes(scope)
    for (const [index, value] of entries) {
      spend(this.#cost + this.#linear * largestSize())
      const key = typeof index === 'number' ? BigInt(index) : index
      const values = scopes.length === 2 ? [key, value] : [Array.isArray(range) ? value : key]
      values.forEach(variable => measure(variable))
      scopes.forEach((inner, position) => inner.setIterValue(values[position], evaluator))
      yield { scope: scopes.at(-1)!, key, value }
    }
  }

  #scopes (scope: Scope): OverlayContext[] {
    const first = scope.forkWithVariable(this.#names[0]!, this.#types[0]!)
    return this.#names.length === 1 ? [first] : [first, first.forkWithVariable(this.#names[1]!, this.#types[1]!)]
  }
}

// `||` and `&&` discard errors without telling
const UNITS_PER_ERROR = 40
