/** The word that is nearest to a mistyped one, if one is near enough to be meant. */
export function closestWord (typed: string, words: Iterable<string>): string | undefined {
  const wanted = fold(typed)
  let closest: string | undefined
  // a third of the letters may be wrong, but at least two: `prot` for `port`
  let least = Math.max(2, Math.floor(wanted.length / 3)) + 1
  for (const word of words) {
    const distance = editDistance(wanted, fold(word))
    if (distance < least && distance < wanted.length) {
      closest = word
      least = distance
    }
  }
  return closest
}

/** `; did you mean "port"?` as the end of a message, or nothing. */
export function didYouMean (typed: string, words: Iterable<string>): string {
  const word = closestWord(typed, words)
  return word === undefined ? '' : `; did you mean "${word}"?`
}

/** `username_prefix` and `UsernamePrefix` are the same name. */
function fold (word: string): string {
  return word.slice(0, 64).toLowerCase().replace(/[-_]/g, '')
}

/** Levenshtein distance. */
function editDistance (a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (const letter of a) {
    const next = [row[0]! + 1]
    for (const [column, other] of [...b].entries()) {
      next.push(Math.min(row[column + 1]! + 1, next[column]! + 1, row[column]! + (letter === other ? 0 : 1)))
    }
    row = next
  }
  return row.at(-1)!
}
