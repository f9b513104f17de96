/**
 * Deeply frozen plain values: they can be shared, and results derived from them
 * can be cached.
 */

const made = new WeakSet<object>()

/** A {@link frozenCopy} that {@link isImmutable} recognises. */
export function immutable<T> (value: T): T {
  const copy = frozenCopy(value)
  if (typeof copy === 'object' && copy !== null) made.add(copy)
  return copy
}

/** Whether the value was made by {@link immutable}; other frozen values do not count. */
export function isImmutable (value: object): boolean {
  return made.has(value)
}

/** A frozen copy of plain data, without getters or prototypes. structuredClone takes several times as long. */
export function frozenCopy<T> (value: T): T {
  if (value === null || typeof value !== 'object' || value instanceof Date) return value
  if (Array.isArray(value)) return Object.freeze(value.map(frozenCopy)) as T
  // fromEntries defines properties, so that __proto__ is a key like any other
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, frozenCopy(inner)]))) as T
}
