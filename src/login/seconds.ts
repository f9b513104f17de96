/** Durations of the config in the unit of OAuth. */
import { milliseconds } from '../authn/duration.js'

export function seconds (duration: string): number {
  return Math.floor(milliseconds(duration) / 1000)
}
