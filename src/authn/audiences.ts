/**
 * Matches the audiences of a token. An API server compares the audiences of the
 * answer with those it requested; an answer without audiences is valid for its
 * own.
 *
 * | what is known                                          | answer                          |
 * |--------------------------------------------------------|---------------------------------|
 * | the token's audiences, or configured ones; they meet   | authenticated, the intersection |
 * | … they don't meet                                      | a denial, never `[]`            |
 * | nothing known, nothing configured                      | authenticated, no audiences     |
 * | token bound, but nothing asked and nothing configured  | a denial                        |
 *
 * Requested audiences are never echoed: that would make any token valid for any
 * audience that the creator of a TokenReview names.
 */
export interface AudienceQuestion {
  /** `spec.audiences`; empty if the request names none. */
  readonly requested: readonly string[]
  /** The config's `audiences`. */
  readonly configured: readonly string[]
  /** The token's own; `undefined` if the provider knows none. */
  readonly bound: readonly string[] | undefined
}

/** The audiences to answer with, `undefined` for none, or `'none'` for a denial. */
export function matchAudiences ({ requested, configured, bound }: AudienceQuestion): string[] | undefined | 'none' {
  if (bound === undefined && configured.length === 0) return undefined
  const asked = requested.length > 0 ? requested : configured
  const ours = bound ?? configured
  const common = [...new Set(asked)].filter(audience => ours.includes(audience))
  return common.length > 0 ? common : 'none'
}
