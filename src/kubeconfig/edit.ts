/** Applies changes to the text of a kubeconfig, YAML or JSON, and keeps everything else in it. */
import { isDeepStrictEqual } from 'node:util'
import { isMap } from 'yaml'
import { Kubeconfig } from '../../schemas/kubeconfig.js'
import { parseDocument } from '../documents/yaml-file.js'
import { appendItems, parseYamlText, removeKey, setKey } from '../documents/yaml-text.js'
import { KubeconfigEditError } from '../errors.js'
import type { Edit } from './merge.js'

/**
 * @param file for errors
 * @throws KubeconfigEditError if the layout, such as anchors, ties the changes to other entries
 */
export function applyEdits (text: string, edits: readonly Edit[], file: string): string {
  const json = parseJson(text)
  if (json !== undefined) return formatLike(text, applyToValue(json, edits, file))
  const edited = edits.reduce((current, edit) => applyToText(current, edit, file), text)
  const expected = applyToValue(parseDocument<object>(text, { file, schema: {} }).value, edits, file)
  if (!isDeepStrictEqual(parseResult(edited, file), plain(expected))) throw notEditable(file)
  return edited
}

function parseResult (text: string, file: string): unknown {
  try {
    return plain(parseDocument(text, { file, schema: Kubeconfig }).value)
  } catch {
    throw notEditable(file)
  }
}

/** Without prototypes and absent fields. */
function plain (value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

function notEditable (file: string): Error {
  return new KubeconfigEditError(`${file} is laid out in a way that this command can't change without touching other entries, such as with YAML aliases: print the entries without --into, and add them in an editor`)
}

function applyToText (text: string, edit: Edit, file: string): string {
  const root = parseYamlText(text).contents
  if (!isMap(root)) throw notEditable(file)
  if ('append' in edit) {
    const list = edit.append
    if (root.has(list) && root.get(list) === undefined) return applyToText(setKey(text, root, list, []), edit, file)
    return appendItems(text, root, list, [edit.item])
  }
  const map = edit.set.length === 1 ? root : root.getIn(edit.set.slice(0, -1))
  const key = String(edit.set.at(-1))
  if (!isMap(map)) throw notEditable(file)
  return edit.value === undefined ? removeKey(text, map, key) : setKey(text, map, key, edit.value)
}

type Tree = Record<string, unknown>

function applyToValue (config: object, edits: readonly Edit[], file: string): object {
  const copy = structuredClone(config) as Tree
  for (const edit of edits) {
    if ('append' in edit) {
      copy[edit.append] = [...copy[edit.append] as unknown[] | null ?? [], edit.item]
      continue
    }
    const parent = edit.set.slice(0, -1).reduce<Tree | undefined>((node, key) => node?.[key] as Tree | undefined, copy)
    if (parent == null) throw notEditable(file)
    if (edit.value === undefined) Reflect.deleteProperty(parent, edit.set.at(-1)!)
    else parent[edit.set.at(-1)!] = edit.value
  }
  return copy
}

/** `undefined` for YAML that is not JSON. */
function parseJson (text: string): object | undefined {
  if (!text.trimStart().startsWith('{')) return undefined
  try {
    return JSON.parse(text) as object
  } catch {
    return undefined
  }
}

/** With the indentation and the end of the text. */
function formatLike (text: string, value: object): string {
  const [, indentation] = /^\s*\{\r?\n([ \t]+)/.exec(text) ?? []
  return `${JSON.stringify(value, null, indentation)}${/\s*$/.exec(text)![0]}`
}
