/** What a library of functions contributes to the environment. */
export interface Library {
  /** Opaque types by their CEL names. */
  readonly types?: Readonly<Record<string, new (...args: never[]) => object>>
  /** `sets` in `sets.contains(…)`: by that name, the CEL name of the type that has its functions. */
  readonly namespaces?: Readonly<Record<string, string>>
  /** By signature. They charge what they read and build, as `bounds.ts` says. */
  readonly functions: Readonly<Record<string, (...args: any[]) => unknown>>
  readonly equality?: readonly string[]
}
