/** Commands to paste into a POSIX shell. */

/** One word of a command. Letters, digits and marks that no shell interprets stay readable. */
export function quote (word: string): string {
  return /^[\w.,:/@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
