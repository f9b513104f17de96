/**
 * What is there already, or will be. Most reviews are answered from memory, and
 * a promise at each step of theirs takes as long as the answer itself.
 */
export type Awaitable<T> = T | Promise<T>

/** `next` of the value: now, where it is there. */
export function chained<T, U> (value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}
