/** Claims of a verified token that do not give a user: a denial. The message is for the log, and has no value of a claim. */
export class ClaimError extends Error {
  override readonly name = 'ClaimError'
}
