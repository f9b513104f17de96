// Numbers of several rounds, and how two of them compare.

export function median (values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** `{ median, least, most, noise }`; the noise is half of what lies between the least and the most. */
export function summary (values) {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  return { median: median(values), least, most, noise: (most - least) / 2 }
}

/**
 * Round by round: what disturbs a round disturbs both, and a ratio of two medians
 * would compare a good round of one with a bad one of the other.
 */
export function ratios (of, to) {
  if (of.length !== to.length) throw new Error(`${of.length} rounds can't be compared with ${to.length}`)
  return of.map((value, round) => value / to[round])
}

/** Of sorted values. */
export function percentile (sorted, percent) {
  return sorted[Math.min(Math.ceil(sorted.length * percent / 100), sorted.length) - 1]
}
