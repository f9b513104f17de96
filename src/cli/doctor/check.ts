/** One thing that an API server needs of a service, and whether it is so. */
import { shorten } from '../client.js'

/**
 * - `ok`: as it should be
 * - `warning`: it works, and somebody should look at it
 * - `failed`: API servers will fail here
 * - `unavailable`: out of reach, or could not tell
 * - `skipped`: not looked at, because of an earlier one
 */
export type CheckOutcome = 'ok' | 'warning' | 'failed' | 'unavailable' | 'skipped'

export interface Check {
  /** A word that stays, for programs: `dns`, `bogus-token`. */
  readonly name: string
  readonly outcome: CheckOutcome
  /** What was seen. One line. */
  readonly message: string
  /** What to do. Absent where all is well. */
  readonly advice?: string
}

export function ok (name: string, message: string): Check {
  return { name, outcome: 'ok', message: printable(message) }
}

export function skipped (name: string, message: string): Check {
  return { name, outcome: 'skipped', message }
}

export function warning (name: string, message: string, advice: string): Check {
  return { name, outcome: 'warning', message: printable(message), advice }
}

export function failed (name: string, message: string, advice: string): Check {
  return { name, outcome: 'failed', message: printable(message), advice }
}

export function unavailable (name: string, message: string, advice: string): Check {
  return { name, outcome: 'unavailable', message: printable(message), advice }
}

/** An API server would not get beyond these. */
export function stops ({ outcome }: Check): boolean {
  return outcome === 'failed' || outcome === 'unavailable'
}

/** `san: the certificate is not for …. To do: …` */
export function sentenceOf ({ name, message, advice }: Check): string {
  return `${name}: ${message}${advice === undefined ? '' : `. To do: ${advice}`}`
}

/** Messages quote whoever answered: no control characters reach a terminal, and no page of HTML. */
function printable (text: string): string {
  return shorten(text.replace(/\s+/g, ' ').replace(/\p{C}/gu, '\uFFFD'))
}
