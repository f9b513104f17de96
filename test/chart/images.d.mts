export function buildCommand (tag: string): string[]
