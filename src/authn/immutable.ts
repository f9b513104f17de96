/**
 * Plain values that nobody can change any more: they can be given to everybody,
 * and what was found out about one of them stays true.
 */

const made = new WeakSet<object>()

/** A {@link frozenCopy} that is known as one. */
export function immutable<T> (value: T): T {
  const copy = frozenCopy(value)
  if (typeof copy === 'object' && copy !== null) made.add(copy)
  return copy
}

/** Whether it was made here. That something else is frozen all the way down would take longer to find out than it is worth. */
export function isImmutable (value: object): boolean {
  return made.has(value)
}

/** A frozen copy, with nothing in it that computes or inherits. By hand: structuredClone costs several times as much. */
export function frozenCopy<T> (value: T): T {
  if (value === null || typeof value !== 'object' || value instanceof Date) return value
  if (Array.isArray(value)) return Object.freeze(value.map(frozenCopy)) as T
  // fromEntries defines properties, so that a key such as __proto__ is one like any other
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, frozenCopy(inner)]))) as T
}
