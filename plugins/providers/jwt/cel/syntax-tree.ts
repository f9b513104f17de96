/** Questions about a parsed expression. */
import type { ASTNode } from '@marcbachmann/cel-js'

export function children (node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value': case 'id': return []
    case '.': case '.?': return [node.args[0]]
    case '!_': case '-_': return [node.args]
    case 'call': return node.args[1]
    case 'rcall': return [node.args[1], ...node.args[2]]
    case 'map': return node.args.flat()
    default: return node.args
  }
}

/** The node and all nodes below it. */
export function * nodes (node: ASTNode): Generator<ASTNode> {
  yield node
  for (const child of children(node)) yield * nodes(child)
}

/** The literal paths below the variable that the expression reads, joined by dots; of a nested access the longest. */
export function readPaths (variable: string, root: ASTNode): Set<string> {
  const paths = new Set<string>()
  const visit = (node: ASTNode, isPrefix: boolean): void => {
    const path = pathBelow(variable, node)
    if (!isPrefix && path !== undefined && path.names.length > 0) paths.add(path.names.join('.'))
    children(node).forEach((child, index) => visit(child, path !== undefined && index === 0))
  }
  visit(root, false)
  return paths
}

/**
 * Whether the operator can take as long as any value is large. A comparison
 * takes as long as its smaller operand: not so if that is one of `variables`.
 */
export function isLinear (node: ASTNode, variables: readonly string[]): boolean {
  switch (node.op) {
    case 'in': return node.args[1].op === 'list' ? !node.args[1].args.every(isScalar) : node.args[1].op !== 'map'
    case '+': return !node.args.some(isScalar)
    case '==': case '!=': case '<': case '<=': case '>': case '>=':
      return !node.args.some(operand => isScalar(operand) || (operand.op === 'id' && variables.includes(operand.args)))
    default: return false
  }
}

/** Whether the node can't yield a list or map, nor, then, the other operand. */
function isScalar (node: ASTNode): boolean {
  return SCALAR.has(node.op) || (node.op === 'rcall' && node.args[0] === 'size') || (node.op === 'call' && node.args[0] === 'size')
}

const SCALAR: ReadonlySet<string> = new Set(['value', '-_', '!_', '-', '*', '/', '%', '==', '!=', '<', '<=', '>', '>=', 'in', '&&', '||'])

/**
 * The literal path below the variable that this node accesses, for example
 * `['realm_access', 'roles']`; `undefined` if it accesses something else.
 * A computed name ends the path.
 */
function pathBelow (variable: string, node: ASTNode): { readonly names: readonly string[], readonly complete: boolean } | undefined {
  if (node.op === 'id') return node.args === variable ? { names: [], complete: true } : undefined
  if (node.op !== '.' && node.op !== '.?' && node.op !== '[]' && node.op !== '[?]') return undefined
  const above = pathBelow(variable, node.args[0])
  if (above?.complete !== true) return above
  const name = typeof node.args[1] === 'string' ? node.args[1] : node.args[1].op === 'value' ? node.args[1].args : undefined
  return typeof name === 'string' ? { names: [...above.names, name], complete: true } : { names: above.names, complete: false }
}
