/**
 * Validates a value against a JSON Schema and turns ajv's errors into messages
 * for the person who edits the file. No message repeats a value: people type
 * passwords into wrong fields, and messages end in logs.
 */
import type { ErrorObject } from 'ajv'
import { MAX_ERRORS, type FieldError } from '../errors.js'
import { didYouMean } from './spelling.js'
import { compile, durationError, keysOf, partsOf } from './json-schema.js'
import { joinPath } from './yaml-positions.js'
import { redactedKeyMessage, isSafeKey, propertyNamesIn } from './safe-keys.js'

export interface ErrorOptions {
  /** The path of the value in its document. */
  readonly base?: string
  readonly lineOf?: (path: string) => number | undefined
}

/**
 * Fills the schema's defaults into `value` and returns its errors, one for each
 * path, and at most one more than {@link MAX_ERRORS}. The error of a key that is
 * not safe to show has the path of its mapping, and the line of the key.
 * @throws Error if the schema is invalid
 */
export function findErrors (value: unknown, schema: object, { base = '', lineOf = () => undefined }: ErrorOptions = {}): FieldError[] {
  const validate = compile(schema)
  const errors = new Map<string, FieldError>()
  let names: ReadonlySet<string> | undefined
  for (const { part, shift } of partsOf(value)) {
    if (validate(part)) continue
    for (const error of withoutBranches(validate.errors ?? [])) {
      const { path, hidden } = locateError({ ...error, instancePath: shift(error.instancePath) }, value, base, names ??= propertyNamesIn(schema))
      const found: FieldError = hidden === undefined
        ? { path, message: describe(error) }
        : { path, line: lineOf(hidden), message: redactedKeyMessage(isUnknownKey(error) ? 'an unknown key' : 'a key without a value') }
      const place = `${path}:${found.line}`
      if (!errors.has(place)) errors.set(place, found)
      if (errors.size > MAX_ERRORS) return [...errors.values()]
    }
  }
  return [...errors.values()]
}

/** Leaves out errors that repeat another one: those of a union's branches, of `if` and of `propertyNames`. */
function * withoutBranches (errors: ErrorObject[]): Iterable<ErrorObject> {
  // a schema has few unions, a value may have very many places where one of them fails
  const unions = new Map<string, Set<string>>()
  for (const { keyword, schemaPath, instancePath } of errors) {
    if (keyword === 'anyOf' || keyword === 'oneOf') unions.set(schemaPath, (unions.get(schemaPath) ?? new Set()).add(instancePath))
  }
  for (const error of errors) {
    const { keyword, schemaPath, instancePath } = error
    const isBranch = [...unions].some(([union, pointers]) => schemaPath.startsWith(`${union}/`) && isWithin(instancePath, pointers))
    if (keyword !== 'if' && keyword !== 'propertyNames' && !isBranch) yield error
  }
}

function isWithin (pointer: string, pointers: ReadonlySet<string>): boolean {
  return pointers.has(pointer) || (pointer !== '' && isWithin(pointer.slice(0, pointer.lastIndexOf('/')), pointers))
}

interface Location {
  readonly path: string
  /** The whole path, if its last key is not safe to show; `path` ends before it. */
  readonly hidden?: string
}

/** Locates an error; a missing or unknown key at that key. */
function locateError (error: ErrorObject, root: unknown, base: string, names: ReadonlySet<string>): Location {
  const { instancePath, params, propertyName, parentSchema } = error
  const keys = keysOf(instancePath)
  const own: string | undefined = params.missingProperty ?? params.additionalProperty ?? params.unevaluatedProperty ?? propertyName
  if (own !== undefined) keys.push(own)
  return locateValue(keys, root, base, names, isUnknownKey(error) ? Object.keys(parentSchema?.['properties'] ?? {}) : undefined)
}

/** @param known if the last key is unknown, the keys that it may be mistyped for */
export function locateValue (keys: readonly string[], root: unknown, base: string, names: ReadonlySet<string>, known?: readonly string[]): Location {
  let path = base
  let value = root
  for (const [index, key] of keys.entries()) {
    const list = Array.isArray(value)
    const inner = joinPath(path, list ? Number(key) : key)
    value = (value as Record<string, unknown> | undefined)?.[key]
    const isUnknown = known !== undefined && index === keys.length - 1
    const isSafe = isUnknown ? isSafeKey(key, value, known) : list || value !== null || names.has(key)
    if (!isSafe) return { path, hidden: inner }
    path = inner
  }
  return { path }
}

function isUnknownKey ({ keyword }: ErrorObject): boolean {
  return keyword === 'additionalProperties' || keyword === 'unevaluatedProperties'
}

function describe (error: ErrorObject): string {
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
    // ajv's messages repeat no value
    default: return message ?? `does not match "${keyword}"`
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

/** YAML reads `1001` as a number and `no` as a string. */
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
