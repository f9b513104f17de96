/**
 * Changes a YAML text and keeps everything else in it byte for byte: comments,
 * quotes, indentation, blank lines. People keep such files in git; stringifying
 * the document would reformat all of it and move comments to other entries.
 *
 * The `yaml` package finds the offsets. A flow collection (`[…]`, `{…}`) is
 * rewritten as a whole.
 */
import { Document, isAlias, isNode, isScalar, isSeq, parseDocument, Scalar, visit, type Node, type Pair, type YAMLMap, type YAMLSeq } from 'yaml'
import { columnOf, endOf, lineEndAt, lineStartAt, rangeOf, spansOf } from './yaml-places.js'

/** For the functions below; the nodes of one text must not be used with another. */
export function parseYamlText (text: string): Document.Parsed {
  return parseDocument(text, { keepSourceTokens: true })
}

/** The string of a node or its alias; `undefined` if it is not a string. */
export function stringOf (document: Document.Parsed, node: unknown): string | undefined {
  const target = isAlias(node) ? node.resolve(document) : node
  return isScalar(target) && typeof target.value === 'string' ? target.value : undefined
}

/** The string at `map[key]`, with aliases resolved on both sides. */
export function stringAt (document: Document.Parsed, map: YAMLMap, key: string): string | undefined {
  return stringOf(document, map.items.find((pair) => stringOf(document, pair.key) === key)?.value)
}

/** Sets `map[key]` to a scalar or list; a new key gets a line of its own below the map's first. */
export function setKey (text: string, map: YAMLMap, key: string, value: string | boolean | readonly string[]): string {
  if (map.flow === true) {
    map.set(key, createNode(value))
    return rewrite(text, map)
  }
  const pair = pairOf(map, key)
  if (pair === undefined) return insertKey(text, map, `${key}: ${write(value)}`)
  const { value: old } = pair
  if (isNode(old) && rangeOf(old)[0] < endOf(text, old)) return splice(text, rangeOf(old)[0], endOf(text, old), write(value))
  // `key:` without a value, which is `null`
  const end = colonAfter(text, pair) + 1
  return splice(text, end, end, ` ${write(value)}`)
}

/** Removes a key from a map that has others, with its value and the comment behind it. */
export function removeKey (text: string, map: YAMLMap, key: string): string {
  if (map.flow === true) {
    map.delete(key)
    return rewrite(text, map)
  }
  const pair = pairOf(map, key)
  if (pair === undefined) return text
  const [start] = rangeOf(pair.key)
  const [first, second] = map.items
  // the first key is behind the dash of its item: the next one moves there
  if (pair === first) return splice(text, start, rangeOf(second?.key)[0], '')
  const lineEnd = lineEndAt(text, endOf(text, pair))
  const lineStart = lineStartAt(text, start)
  return text.slice(0, lineStart) + text.slice(lineEnd).replace(/^\r?\n/, '')
}

/** Appends to the list `map[key]`, and creates it if it is missing. */
export function appendItems (text: string, map: YAMLMap, key: string, values: readonly unknown[]): string {
  const list = map.get(key)
  const filled = isSeq(list) && list.items.length > 0
  if (map.flow === true || (filled && list.flow === true)) {
    const flowList = isSeq(list) ? list : createNode([]) as YAMLSeq
    for (const value of values) flowList.add(createNode(value))
    map.set(key, flowList)
    return rewrite(text, map.flow === true ? map : flowList)
  }
  if (filled) {
    const last = spansOf(text, list).at(-1)!
    // keep entries separated by blank lines
    const apart = list.items.length > 1 && /\n[ \t]*\r?\n$/.test(text.slice(0, last.start))
    return splice(text, last.end, last.end, `${apart ? '\n\n' : '\n'}${indent(writeItems(values, apart), last.column)}`)
  }
  if (!isSeq(list)) return insertKey(text, map, `${key}:\n${indent(writeItems(values), 2)}`)
  // `users: []  # nobody yet`: keep the comment in its place
  const [start, end] = rangeOf(list)
  const lineEnd = lineEndAt(text, end)
  const added = splice(text, lineEnd, lineEnd, `\n${indent(writeItems(values), columnOf(text, pairOf(map, key)?.key) + 2)}`)
  return splice(added, text.slice(0, start).trimEnd().length, end, '')
}

/** Removes an item from the list `map[key]`, with the comment lines right above it. */
export function removeItem (text: string, map: YAMLMap, key: string, index: number): string {
  return removeItems(text, map, key, [index])
}

/** As {@link removeItem}, of several items. @param indexes at least one, in ascending order */
export function removeItems (text: string, map: YAMLMap, key: string, indexes: readonly number[]): string {
  const list = map.get(key) as YAMLSeq
  if (list.flow === true) {
    for (const index of indexes.toReversed()) list.delete(index)
    return rewrite(text, list)
  }
  const spans = spansOf(text, list)
  let rest = ''
  let kept = 0
  for (const { start, end } of indexes.map(index => spans[index]!)) {
    // a comment between two items can belong to both
    rest += text.slice(kept, Math.max(kept, start))
    kept = afterBlankLines(text, end)
  }
  rest = kept < text.length ? rest + text.slice(kept) : withoutTrailingBlankLines(rest)
  if (indexes.length < list.items.length) return rest
  const end = colonAfter(text, pairOf(map, key)) + 1
  return splice(rest, end, end, ' []')
}

function colonAfter (text: string, pair: Pair | undefined): number {
  return text.indexOf(':', rangeOf(pair?.key)[1])
}

/** The start of the line that is next after `lineEnd` and not blank: of two runs of blank lines around an item, one goes with it. */
function afterBlankLines (text: string, lineEnd: number): number {
  const blank = /\r?\n(?:[ \t\r\n]*\n)?/y
  blank.lastIndex = lineEnd
  return blank.test(text) ? blank.lastIndex : lineEnd
}

function withoutTrailingBlankLines (lines: string): string {
  let end = lines.length
  while (end > 0 && ' \t\r\n'.includes(lines.charAt(end - 1))) end--
  return lines.slice(0, lines.indexOf('\n', end) + 1)
}

function insertKey (text: string, map: YAMLMap, lines: string): string {
  const lineEnd = lineEndAt(text, endOf(text, map.items[0]))
  return splice(text, lineEnd, lineEnd, `\n${indent(lines, columnOf(text, map))}`)
}

function rewrite (text: string, node: Node): string {
  const [start, end] = rangeOf(node)
  const line = text.slice(lineStartAt(text, start), start)
  // the text keeps the comments around it
  node.comment = node.commentBefore = null
  return splice(text, start, end, indent(write(node), line.search(/[^ ]|$/)).trimStart())
}

/** Items of one document: a document for each item is slow, and one for all of them is large. */
const CHUNK = 100

function writeItems (values: readonly unknown[], apart = false): string {
  const chunks: string[] = []
  for (let start = 0; start < values.length; start += CHUNK) {
    const list = createNode(values.slice(start, start + CHUNK)) as YAMLSeq<Node>
    list.flow = false
    if (apart) for (const item of list.items.slice(1)) item.spaceBefore = true
    chunks.push(write(list))
  }
  return chunks.join(apart ? '\n\n' : '\n')
}

/** Quotes what is another type in YAML 1.1, such as `yes`: programs in Go read that. */
const COMPATIBLE = { compat: 'yaml-1.1' } as const

function write (value: unknown): string {
  const document = new Document(isNode(value) ? undefined : createNode(value), COMPATIBLE)
  if (isNode(value)) document.contents = value
  return document.toString({ lineWidth: 0, flowCollectionPadding: false, verifyAliasOrder: false }).trimEnd()
}

/** Maps as blocks, lists of scalars in one line: `groups: [developers, admins]`. */
function createNode (value: unknown): Node {
  const node = new Document(value, { aliasDuplicateObjects: false }).contents as Node
  visit(node, { Seq (_key, list) { list.flow = list.items.every((item) => item instanceof Scalar) } })
  return node
}

function pairOf (map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key)
}

/** Replaces a part of the text, and uses the line breaks of the text. */
function splice (text: string, start: number, end: number, replacement: string): string {
  const lines = text.includes('\r\n') ? replacement.replace(/\r?\n/g, '\r\n') : replacement
  return text.slice(0, start) + lines + text.slice(end)
}

function indent (lines: string, column: number): string {
  return lines.replace(/^(?=.)/gm, ' '.repeat(column))
}
