/** Where the parts of a YAML text are: offsets of items, with their comments, and of lines. */
import { isCollection, isNode, isPair, type CST, type Range, type YAMLSeq } from 'yaml'

export interface Span {
  /** Of the line of the first comment above the item, or of its dash. */
  readonly start: number
  /** Of its last line, before the line break. */
  readonly end: number
  /** Of the dash, from 0. */
  readonly column: number
}

/** The lines of each item of a block list. */
export function spansOf (text: string, list: YAMLSeq): Span[] {
  const dashes = (list.srcToken as CST.BlockSequence).items.flatMap(({ start }) => start.filter(({ type }) => type === 'seq-item-ind'))
  return dashes.map(({ offset }, index) => {
    const lineStart = lineStartAt(text, offset)
    const column = offset - lineStart
    return { start: commentsAbove(text, lineStart), end: commentsBelow(text, lineEndAt(text, endOf(text, list.items[index])), column), column }
  })
}

function commentsAbove (text: string, lineStart: number): number {
  while (lineStart > 0) {
    const previous = lineStartAt(text, lineStart - 1)
    if (!/^[ \t]*#/.test(text.slice(previous, lineStart))) break
    lineStart = previous
  }
  return lineStart
}

/** Comment lines with more indentation than the dash belong to the item above. */
function commentsBelow (text: string, lineEnd: number, column: number): number {
  while (lineEnd < text.length) {
    const next = lineEndAt(text, lineEnd + 1)
    const comment = /^\r?\n( *)#/.exec(text.slice(lineEnd, next))
    if (comment === null || comment[1]!.length <= column) break
    lineEnd = next
  }
  return lineEnd
}

/** The end of a node without the comments and blank lines that the parser includes. */
export function endOf (text: string, node: unknown): number {
  if (isPair(node)) return endOf(text, node.value ?? node.key)
  if (isCollection(node) && node.flow !== true && node.items.length > 0) return endOf(text, node.items.at(-1))
  let [start, end] = rangeOf(node)
  while (end > start && '\r\n'.includes(text.charAt(end - 1))) end--
  return end
}

/** The offsets of a node: its start, the end of its value, and its end. @throws TypeError unless it was parsed from a text */
export function rangeOf (node: unknown): Range {
  if (!isNode(node) || node.range == null) throw new TypeError('the node has no place in the text')
  return node.range
}

export function columnOf (text: string, node: unknown): number {
  const [start] = rangeOf(node)
  return start - lineStartAt(text, start)
}

export function lineStartAt (text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1
}

/** Before the line break, or the end of the text. */
export function lineEndAt (text: string, offset: number): number {
  const end = text.indexOf('\n', offset)
  if (end === -1) return text.length
  return text[end - 1] === '\r' ? end - 1 : end
}
