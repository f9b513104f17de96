/** Lists and sets. */
import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator'
import { largestSize, spend } from './bounds.js'
import { ExpressionError } from './expression-error.js'
import type { Library } from './functions.js'
import { entriesOf } from './values.js'

type List = readonly unknown[]

export const lists: Library = {
  namespaces: { sets: 'kubernetes.sets' },
  functions: {
    'list<A>.isSorted(): bool': (list: List) => visit(list).every((item, index) => index === 0 || compare(list[index - 1], item) <= 0),
    'list<A>.sum(): dyn': (list: List) => list.length === 0 ? 0n : visit(list).reduce(add),
    'list<A>.min(): dyn': (list: List) => extreme(list, -1, 'min'),
    'list<A>.max(): dyn': (list: List) => extreme(list, 1, 'max'),
    'list<A>.indexOf(A): int': (list: List, item: unknown) => BigInt(visit(list).findIndex(other => equal(other, item))),
    'list<A>.lastIndexOf(A): int': (list: List, item: unknown) => BigInt(visit(list).findLastIndex(other => equal(other, item))),
    'kubernetes.sets.contains(list, list): bool': (_: unknown, list: List, items: List) => contains(list, items),
    'kubernetes.sets.equivalent(list, list): bool': (_: unknown, one: List, other: List) => contains(one, other) && contains(other, one),
    'kubernetes.sets.intersects(list, list): bool': (_: unknown, one: List, other: List) => visit(one).some(item => visit(other).some(candidate => equal(candidate, item)))
  }
}

function visit (list: List): List {
  spend(1 + list.length)
  return list
}

function contains (list: List, items: List): boolean {
  return visit(items).every(item => visit(list).some(other => equal(other, item)))
}

function number (value: unknown): unknown {
  return value instanceof UnsignedInt ? value.value : value
}

/** Negative, zero or positive. Strings in the order of their code points, as Go compares their bytes. */
function compare (one: unknown, other: unknown): number {
  const [a, b] = [number(one), number(other)]
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b))
  const comparable = (isNumber(a) && isNumber(b)) || (typeof a === 'boolean' && typeof b === 'boolean') ||
    (a instanceof Date && b instanceof Date) || (a instanceof Duration && b instanceof Duration)
  if (!comparable) throw new ExpressionError('the elements of the list can\'t be compared')
  return a < b ? -1 : a > b ? 1 : 0
}

function isNumber (value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

function extreme (list: List, sign: 1 | -1, name: string): unknown {
  if (list.length === 0) throw new ExpressionError(`${name} called on empty list`)
  return visit(list).reduce((best, item) => compare(item, best) * sign > 0 ? item : best)
}

function add (one: unknown, other: unknown): unknown {
  if (typeof one === 'number' && typeof other === 'number') return one + other
  if (typeof one === 'bigint' && typeof other === 'bigint') {
    if (BigInt.asIntN(64, one + other) !== one + other) throw new ExpressionError('integer overflow')
    return one + other
  }
  if (one instanceof UnsignedInt && other instanceof UnsignedInt) return new UnsignedInt(one.value + other.value)
  if (one instanceof Duration && other instanceof Duration) return one.addDuration(other)
  throw new ExpressionError('the elements of the list can\'t be added')
}

/** As `==` of CEL: numbers of different types can be equal. */
function equal (left: unknown, right: unknown): boolean {
  const [a, b] = [number(left), number(right)]
  if (isNumber(a) && isNumber(b)) return a == b // eslint-disable-line eqeqeq
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  spend(largestSize())
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, index) => equal(item, b[index]))
  const [entries, others] = [entriesOf(a), entriesOf(b)]
  if (entries !== undefined && others !== undefined) {
    const [one, other] = [new Map(entries), new Map(others)]
    return one.size === other.size && [...one].every(([key, item]) => other.has(key) && equal(item, other.get(key)))
  }
  return (a instanceof Date || a instanceof Duration) && a.constructor === b.constructor && String(a) === String(b)
}
