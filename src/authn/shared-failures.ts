/**
 * Failed-password counts that several processes share, so that a guesser has one
 * budget and not one in each. The rules are those of `FailureBudgets`.
 */
import type { FailureDelays, FailureRun } from './failure-counts.js'

/** Which counts: those of accounts, or those of names that no account has. */
export type FailureTable = 'accounts' | 'unknown'

export interface SharedFailures {
  /**
   * Asks for an attempt, and reserves it if it is admitted. Never rejects.
   * `undefined`: the shared counts can't be reached in time, and those of this process decide.
   */
  begin: (account: string, attempt: SharedAttempt) => Promise<Admission | undefined>
}

export interface SharedAttempt {
  readonly delays: FailureDelays
  /** What this process has counted, which the shared counts may have missed. */
  readonly local: FailureRun | undefined
}

export type Admission = Admitted | { readonly admitted: false }

export interface Admitted {
  readonly admitted: true
  /** The right password has been used elsewhere since: `local` is void. */
  readonly outdated: boolean
  /** Grows each time that the right password is used. */
  readonly generation: number
  /** Ends the reservation. Never rejects. @param password that was checked; absent: unknown */
  end: (outcome: SharedOutcome, password?: string) => Promise<void>
}

/** `repeated`: a wrong password that this process has counted before. */
export type SharedOutcome = 'correct' | 'incorrect' | 'repeated' | 'uncounted'

/** `undefined`: those of this provider are not shared. */
export type SharedFailuresOf = (provider: string, table: FailureTable) => SharedFailures | undefined
