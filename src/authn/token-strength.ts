/**
 * Estimates how hard an imported token is to guess. Opaque tokens are stored as a
 * fast digest, which is safe only for random ones.
 */

/** Bits of entropy that a token must have; see src/authn/token-digest.ts. */
export const MIN_TOKEN_BITS = 128

const ALPHABETS: ReadonlyArray<readonly [RegExp, number]> = [
  [/^\d*$/, 10],
  [/^[\da-f]*$/i, 16],
  [/^[\da-z]*$|^[\dA-Z]*$/, 36],
  [/^[\dA-Za-z+/=_.-]*$/, 64],
  [/^/, 94]
]

/** The maximum entropy of a token of this length and these characters, in bits; a bad one has much less. */
export function estimateTokenBits (token: string): number {
  // the hyphens of a UUID add none
  const digits = token.replaceAll('-', '')
  const [, size] = ALPHABETS.find(([alphabet]) => alphabet.test(digits))!
  return Math.floor(digits.length * Math.log2(size))
}

/** Why no client can present this as a bearer token; `undefined` if it can. */
export function whyUnpresentable (token: string): string | undefined {
  if (token === '') return 'the token is empty'
  // an HTTP header's value; the API server cuts it at the first space
  if (!/^[\x21-\x7e]+$/.test(token)) return 'the token contains white space or other characters that an Authorization header can\'t carry'
  return undefined
}
