/** What the macros of the package get, and what they return. */
import { TypeError as CelTypeError, type ASTNode, type OverlayContext, type RootContext, type TypeDeclaration } from '@marcbachmann/cel-js'
import { ExpressionError } from './expression-error.js'

export type Scope = RootContext | OverlayContext

export interface Checker {
  check: (node: ASTNode, scope: Scope) => TypeDeclaration
  getType: (name: string) => TypeDeclaration
}

export interface Evaluator {
  run: (node: ASTNode, scope: Scope) => unknown
}

export interface Call {
  readonly ast: ASTNode
  readonly args: readonly ASTNode[]
  readonly receiver: ASTNode
}

export interface Macro {
  readonly typeCheck: (checker: Checker, macro: unknown, scope: Scope) => TypeDeclaration
  readonly evaluate: (evaluator: Evaluator, macro: unknown, scope: Scope) => unknown
  readonly async: false
}

/** Rejects a call when it is compiled. */
export function reject (message: string, node: ASTNode): never {
  throw new CelTypeError({ code: 'invalid_macro', message, node })
}

/** The variable that a macro declares. */
export function nameOf (node: ASTNode): string {
  return node.op === 'id' ? node.args : reject('the variable of a macro must be a simple name', node)
}

export function checkPredicate (checker: Checker, predicate: ASTNode, scope: Scope): TypeDeclaration {
  const type = checker.check(predicate, scope)
  if (!type.isDynOrBool()) reject(`a predicate must be bool, not '${type.name}'`, predicate)
  return checker.getType('bool')
}

export function test (evaluator: Evaluator, predicate: ASTNode, scope: Scope): boolean {
  const result = evaluator.run(predicate, scope)
  if (typeof result !== 'boolean') throw new ExpressionError('a predicate must be bool')
  return result
}
