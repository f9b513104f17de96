import { Option } from 'commander'

/** An option that is given once for each value. */
export function repeatable (flags: string, description: string): Option {
  return new Option(flags, `${description}; may be repeated`)
    .argParser((value: string, values: readonly string[] = []): string[] => [...values, value])
}
