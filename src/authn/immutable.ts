/**
 * Plain values that nobody can change any more: they can be given to everybody,
 * and what was found out about one of them stays true.
 */

/** A frozen copy. By hand: structuredClone costs several times as much. */
export function immutable<T> (value: T): T {
  if (value === null || typeof value !== 'object' || value instanceof Date) return value
  if (Array.isArray(value)) return Object.freeze(value.map(immutable)) as T
  // fromEntries defines properties, so that a key such as __proto__ is one like any other
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, immutable(inner)]))) as T
}

/** Whether it is frozen all the way down, with nothing in it that computes or inherits. */
export function isImmutable (value: unknown): boolean {
  if (typeof value === 'function') return false
  if (value === null || typeof value !== 'object') return true
  const { prototype } = Array.isArray(value) ? Array : Object
  return Object.isFrozen(value) && Object.getPrototypeOf(value) === prototype &&
    Object.values(Object.getOwnPropertyDescriptors(value)).every(property => 'value' in property && isImmutable(property.value))
}
