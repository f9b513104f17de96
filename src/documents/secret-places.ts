/**
 * Where a config holds secrets: every place that its JSON Schema marks
 * `x-secret`, whatever leads there. What is missed here reaches a provider as
 * plain text, and from there perhaps a log.
 */
import type { FieldError } from '../errors.js'
import { fitsSchema } from './schema-errors.js'
import { joinPath } from './yaml-positions.js'
import { hiddenKey, namesIn } from './shown-keys.js'
import { HiddenText, secretFrom, type SecretSurroundings } from './secret.js'

type Schema = Record<string, any>

/** A value, and what it was before secrets were put into it: conditions of the schema are about that. */
interface Place {
  readonly holder: Record<string, any>
  readonly key: string
  readonly original: unknown
  readonly path: string
  /** Of what holds the value. */
  readonly parent: string
}

/**
 * Puts a {@link Secret} in the place of every reference in `value` that the
 * schema marks `x-secret`, and gives the errors of those that lead nowhere.
 * What is no reference at all is one of them, even where the schema has found that too.
 */
export function resolveSecrets (value: unknown, schema: object, base: string, baseDir: string, surroundings: SecretSurroundings = {}): FieldError[] {
  const errors: FieldError[] = []
  try {
    replaceAt({ holder: { '': value }, key: '', original: structuredClone(value), path: base, parent: base }, schema, new Set())
  } catch (error) {
    errors.push({ path: base, message: `the schema of this provider can't be used: ${(error as Error).message}` })
  }
  return errors

  /** @param seen schemas that apply to this very place already: references may go round in circles */
  function replaceAt (place: Place, node: Schema, seen: Set<object>): void {
    if (seen.has(node) || place.holder[place.key] instanceof HiddenText) return
    seen.add(node)
    if (node['x-secret'] === true) return replace(place)
    for (const inner of innerSchemas(node, place.original, schema)) replaceAt(place, inner, seen)
    const current = place.holder[place.key]
    if (typeof current !== 'object' || current === null) return
    for (const key of Object.keys(current)) {
      const path = joinPath(place.path, Array.isArray(current) ? Number(key) : key)
      const child = { holder: current, key, original: (place.original as Schema)[key], path, parent: place.path }
      for (const inner of childSchemas(node, key, current)) replaceAt(child, inner, new Set())
    }
  }

  function replace ({ holder, key, path, parent }: Place): void {
    if (holder[key] === null && !Array.isArray(holder) && key !== '' && !namesIn(schema).has(key)) {
      errors.push({ path: parent, message: hiddenKey('a key without a value') })
      return
    }
    try {
      holder[key] = secretFrom(holder[key], baseDir, surroundings)
    } catch (error) {
      errors.push({ path, message: (error as Error).message })
      // what looks into the rest of the config finds a secret here all the same
      holder[key] = new HiddenText(() => { throw error })
    }
  }
}

/** The schemas that apply to the same value: of a union all branches, since a value may fit several. */
function innerSchemas (node: Schema, value: unknown, root: Schema): Schema[] {
  const inner = [...node.anyOf ?? [], ...node.oneOf ?? [], ...node.allOf ?? []]
  if (node.$ref !== undefined) inner.push(findReferenced(node.$ref, root))
  if (node.if !== undefined) inner.push(fitsSchema(value, node.if, root) ? node.then : node.else)
  if (typeof value === 'object' && value !== null) {
    // lists of keys are no schemas
    for (const [key, dependent] of Object.entries(node.dependencies ?? {})) if (Object.hasOwn(value, key) && !Array.isArray(dependent)) inner.push(dependent)
  }
  return inner.filter(isSchema)
}

function childSchemas (node: Schema, key: string, parent: object): Schema[] {
  if (Array.isArray(parent)) {
    const item = Array.isArray(node.items) ? node.items[Number(key)] ?? node.additionalItems : node.items
    return [item, node.contains].filter(isSchema)
  }
  const named = node.properties !== undefined && Object.hasOwn(node.properties, key) ? [node.properties[key]] : []
  const matching = Object.entries(node.patternProperties ?? {}).filter(([pattern]) => new RegExp(pattern, 'u').test(key)).map(([, schema]) => schema)
  const children = [...named, ...matching]
  return (children.length > 0 ? children : [node.additionalProperties]).filter(isSchema)
}

/**
 * `#`, `#/$defs/key`, or the `$id` of a part of the schema, with or without a
 * pointer behind it.
 * @throws Error for one that is not found: the secrets behind it would stay open
 */
function findReferenced (reference: string, root: Schema): unknown {
  const [id = '', pointer = ''] = reference.split('#')
  let target: any = id === '' || id === root.$id ? root : findById(root, id)
  for (const token of decodeURIComponent(pointer).split('/').slice(1)) target = target?.[token.replaceAll('~1', '/').replaceAll('~0', '~')]
  if (target === undefined || (pointer !== '' && !pointer.startsWith('/'))) throw new Error(`the secrets behind "$ref": ${JSON.stringify(reference)} can't be found`)
  return target
}

function findById (node: unknown, id: string): Schema | undefined {
  if (typeof node !== 'object' || node === null) return undefined
  if ((node as Schema)['$id'] === id) return node
  for (const inner of Object.values(node)) {
    const found = findById(inner, id)
    if (found !== undefined) return found
  }
  return undefined
}

/** `true` and `false` are schemas as well, without places for secrets. */
function isSchema (schema: unknown): schema is Schema {
  return typeof schema === 'object' && schema !== null
}
