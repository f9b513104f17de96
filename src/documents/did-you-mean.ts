/** "Did you mean …?" */

/** The word that is nearest to a mistyped one, if one is near enough to be meant. */
export function closestWord (typed: string, words: Iterable<string>): string | undefined {
  const wanted = fold(typed)
  let best: string | undefined
  // a third of the letters may be wrong, but at least two: `prot` for `port`
  let least = Math.max(2, Math.floor(wanted.length / 3)) + 1
  for (const word of words) {
    const distance = editDistance(wanted, fold(word))
    if (distance < least && distance < wanted.length) {
      best = word
      least = distance
    }
  }
  return best
}

/** `; did you mean "port"?` as the end of a message, or nothing. */
export function didYouMean (typed: string, words: Iterable<string>): string {
  const word = closestWord(typed, words)
  return word === undefined ? '' : `; did you mean "${word}"?`
}

/** Other notations of the same name are no distance at all: `username_prefix`, `UsernamePrefix`. */
function fold (word: string): string {
  return word.slice(0, 64).toLowerCase().replace(/[-_]/g, '')
}

/** Levenshtein's. */
function editDistance (a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
}
