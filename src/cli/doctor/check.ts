/** One thing that an API server needs from a service, and whether the service provides it. */
import { truncate } from '../client.js'

/**
 * - `failed`: API servers will fail here
 * - `unavailable`: unreachable, or unable to answer
 * - `skipped`: not run, or without a result
 */
export type DoctorOutcome = 'ok' | 'warning' | 'failed' | 'unavailable' | 'skipped'

export interface DoctorCheck {
  /** Stable, for programs: `dns`, `bogus-token`. */
  readonly name: string
  readonly outcome: DoctorOutcome
  /** One line. */
  readonly message: string
  /** What to do if the outcome is neither `ok` nor `skipped`. */
  readonly advice?: string
}

export const warning = withAdvice('warning')
export const failed = withAdvice('failed')
export const unavailable = withAdvice('unavailable')

function withAdvice (outcome: DoctorOutcome): (name: string, message: string, advice: string) => DoctorCheck {
  return (name, message, advice) => ({ name, outcome, message: printable(message), advice })
}

export function ok (name: string, message: string): DoctorCheck {
  return { name, outcome: 'ok', message: printable(message) }
}

export function skipped (name: string, message: string): DoctorCheck {
  return { name, outcome: 'skipped', message }
}

/** Whether an API server would get no further. */
export function isBlocking ({ outcome }: DoctorCheck): boolean {
  return outcome === 'failed' || outcome === 'unavailable'
}

/** `san: the certificate is for …. To do: …` */
export function formatCheck ({ name, message, advice }: DoctorCheck): string {
  return `${name}: ${message}${advice === undefined ? '' : `. To do: ${advice}`}`
}

/** Messages quote servers: no control character and no page of HTML reaches the terminal. */
function printable (text: string): string {
  return truncate(text.replace(/\s+/g, ' ').replace(/\p{C}/gu, '\uFFFD'))
}
