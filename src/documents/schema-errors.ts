/**
 * Validates a value against a JSON Schema and turns ajv's errors into messages
 * for the person who edits the file. No message repeats a value: people type
 * passwords into wrong fields, and messages end in logs. shown-keys.ts decides
 * which keys a message may repeat.
 */
import type { ErrorObject } from 'ajv'
import { MAX_ERRORS, type FieldError } from '../errors.js'
import { didYouMean } from './did-you-mean.js'
import { compile, durationError, keysOf, partsOf } from './json-schema.js'
import { joinPath } from './yaml-positions.js'
import { redactedKeyMessage, isSafeKey, propertyNamesIn } from './shown-keys.js'

export interface ErrorPlaces {
  /** The path of the value in its document. */
  readonly base?: string
  /** Of a path in the document. */
  readonly lineOf?: (path: string) => number | undefined
}

/**
 * Fills the schema's defaults into `value` and gives everything that is wrong
 * with it, one error a path, and no more than one beyond {@link MAX_ERRORS}.
 * A key that is not shown has the path of what holds it, and its own line.
 * @throws Error where the schema itself is wrong
 */
export function findErrors (value: unknown, schema: object, { base = '', lineOf = () => undefined }: ErrorPlaces = {}): FieldError[] {
  const validate = compile(schema)
  const errors = new Map<string, FieldError>()
  for (const { part, shift } of partsOf(value)) {
    if (validate(part)) continue
    for (const error of withoutBranches(validate.errors!)) {
      const { path, hidden } = locateError({ ...error, instancePath: shift(error.instancePath) }, value, base, propertyNamesIn(schema))
      const line = hidden === undefined ? undefined : lineOf(hidden)
      const place = hidden === undefined ? path : `${path}:${line}`
      if (!errors.has(place)) errors.set(place, hidden === undefined ? { path, message: messageOf(error) } : { path, line, message: redactedKeyMessage(isUnknownKey(error) ? 'an unknown key' : 'a key without a value') })
      if (errors.size > MAX_ERRORS) return [...errors.values()]
    }
  }
  return [...errors.values()]
}

/** Without the errors that say the same as another one: a union's branches, and the heads of `if` and `propertyNames`. */
function * withoutBranches (errors: ErrorObject[]): Iterable<ErrorObject> {
  // by the union's place in the schema, which are few, its places in the value, which may be very many
  const unions = new Map<string, Set<string>>()
  for (const { keyword, schemaPath, instancePath } of errors) {
    if (keyword !== 'anyOf' && keyword !== 'oneOf') continue
    const places = unions.get(schemaPath) ?? new Set()
    unions.set(schemaPath, places.add(instancePath))
  }
  for (const error of errors) {
    const { keyword, schemaPath, instancePath } = error
    if (keyword === 'if' || keyword === 'propertyNames') continue
    const isBranch = [...unions].some(([union, places]) => schemaPath.startsWith(`${union}/`) && isWithin(instancePath, places))
    if (!isBranch) yield error
  }
}

function isWithin (pointer: string, places: ReadonlySet<string>): boolean {
  for (let end = pointer.length; end !== -1; end = pointer.lastIndexOf('/', end - 1)) {
    if (places.has(pointer.slice(0, end))) return true
    if (end === 0) break
  }
  return false
}

interface Location {
  readonly path: string
  /** The whole path, if its last key must not be shown: `path` ends before it. */
  readonly hidden?: string
}

/** Where an error is; for a missing or unknown key, the place of that key. */
function locateError (error: ErrorObject, root: unknown, base: string, names: ReadonlySet<string>): Location {
  const { instancePath, params, propertyName, parentSchema } = error
  const keys = keysOf(instancePath)
  const own: string | undefined = params.missingProperty ?? params.additionalProperty ?? params.unevaluatedProperty ?? propertyName
  if (own !== undefined) keys.push(own)
  return locateValue(keys, root, base, names, isUnknownKey(error) ? Object.keys(parentSchema?.['properties'] ?? {}) : undefined)
}

/** @param known keys that an unknown one at the end of `keys` may be mistyped for */
export function locateValue (keys: readonly string[], root: unknown, base: string, names: ReadonlySet<string>, known?: readonly string[]): Location {
  let path = base
  let value = root
  for (const [index, key] of keys.entries()) {
    const list = Array.isArray(value)
    const inner = joinPath(path, list ? Number(key) : key)
    value = (value as Record<string, unknown> | undefined)?.[key]
    const unknown = known !== undefined && index === keys.length - 1
    const shown = unknown ? isSafeKey(key, value, known) : list || value !== null || names.has(key)
    if (!shown) return { path, hidden: inner }
    path = inner
  }
  return { path }
}

function isUnknownKey ({ keyword }: ErrorObject): boolean {
  return keyword === 'additionalProperties' || keyword === 'unevaluatedProperties'
}

function messageOf (error: ErrorObject): string {
  const { keyword, params, message } = error
  const schema: Record<string, any> = error.parentSchema ?? {}
  switch (keyword) {
    case 'type': return wrongType(error, schema)
    case 'required': return 'is missing'
    case 'additionalProperties':
    case 'unevaluatedProperties':
      if (params.additionalProperty === '<<') return 'merge keys are not supported; write the values out'
      return `unknown key${didYouMean(params.additionalProperty ?? params.unevaluatedProperty, Object.keys(schema.properties ?? {}))}`
    case 'enum': return `must be one of ${params.allowedValues.join(', ')}`
    case 'const': return `must be ${JSON.stringify(params.allowedValue)}`
    case 'anyOf':
    case 'oneOf':
      return unmatched(schema, keyword)
    case 'pattern':
    case 'format':
      return schema.expected === undefined ? message! : `is not ${schema.expected}`
    case 'minLength':
    case 'minItems':
      return params.limit === 1 ? 'must not be empty' : `is too short: at least ${params.limit} ${unitOf(keyword)}`
    case 'maxLength':
    case 'maxItems':
      return `is too long: at most ${params.limit} ${unitOf(keyword)}`
    case 'minimum': return `must be at least ${params.limit}`
    case 'maximum': return `must be at most ${params.limit}`
    case 'exclusiveMinimum': return `must be more than ${params.limit}`
    case 'exclusiveMaximum': return `must be less than ${params.limit}`
    case 'x-duration': return durationError(error.data as string, schema['x-duration'])!
    // ajv's own words name no value
    default: return message ?? `breaks the rule "${keyword}"`
  }
}

function unitOf (keyword: string): string {
  return keyword.endsWith('Items') ? 'entries' : 'characters'
}

const TYPES: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of keys to values',
  null: 'null'
}

function wrongType ({ data, params }: ErrorObject, schema: Record<string, any>): string {
  const types: string[] = [params.type].flat()
  const wanted = schema.expected ?? types.map((type) => TYPES[type]).join(' or ')
  if (data === null) return `has no value; must be ${wanted}`
  const got = Array.isArray(data) ? 'array' : typeof data
  return `must be ${wanted}; got ${got === 'boolean' ? 'a boolean' : TYPES[got]}${remedy(data, types, schema)}`
}

/** YAML reads `1001` as a number and `no` as a string: say what to type instead. */
function remedy (data: unknown, types: string[], schema: Record<string, any>): string {
  if (types.includes('string') && typeof data !== 'object') {
    return schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(String(data)) ? ': quote it' : ''
  }
  if (typeof data !== 'string') return ''
  if (types.includes('array')) return ': write it as a list, [value]'
  if (types.includes('boolean')) return ': without quotes'
  const number = (types.includes('number') || types.includes('integer')) && data.trim() !== '' && Number.isFinite(Number(data))
  return number ? ': remove the quotes' : ''
}

function unmatched (schema: Record<string, any>, keyword: string): string {
  if (schema.expected !== undefined) return `must be ${schema.expected}`
  const constants = schema[keyword].map((branch: Record<string, unknown>) => branch.const)
  return constants.includes(undefined) ? 'has none of the allowed forms' : `must be one of ${constants.join(', ')}`
}
