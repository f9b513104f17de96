/**
 * A value against a JSON Schema, and ajv's errors in the words of whoever has
 * to mend the file. No message repeats a value: people type passwords into
 * wrong fields, and messages end in logs. shown-keys.ts tells which keys one may
 * repeat.
 *
 * Annotations of ours: `expected`, what a pattern or a union wants in words;
 * `x-secret`, see secret.ts; `x-duration`, the bounds of a duration.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { DURATION, type DurationBounds } from '../../schemas/primitives.js'
import { milliseconds, parseDuration } from '../authn/duration.js'
import { MAX_ERRORS, type FieldError } from '../errors.js'
import { suggestion } from './did-you-mean.js'
import { joinPath } from './yaml-positions.js'
import { hiddenKey, isShownKey, namesIn } from './shown-keys.js'

// compiling finds what is wrong with a schema nearly as well as validating it, which takes 20 ms of each start: the conformance suite does that
const ajv = new Ajv({ validateSchema: false, allErrors: true, useDefaults: true, coerceTypes: false, verbose: true, addUsedSchema: false, strictTypes: false, strictTuples: false, allowUnionTypes: true })
ajv.addVocabulary(['expected', 'x-secret'])
ajv.addKeyword({
  keyword: 'x-duration',
  type: 'string',
  schemaType: 'object',
  compile: (bounds: DurationBounds) => (text: string) => excessOf(text, bounds) === undefined
})

const validators = new WeakMap<object, ValidateFunction>()

// without defaults: it changes nothing
const conditions = new Ajv({ validateSchema: false, coerceTypes: false, addUsedSchema: false, strict: false })

/** Whether a value fits a part of a schema, such as its `if`; `root` has what the part refers to. */
export function fitsSchema (value: unknown, part: unknown, root: object): boolean {
  if (typeof part === 'boolean') return part
  const known = parts.get(part as object)
  const fits = known ?? conditions.compile({ ...pick(root, '$defs'), ...pick(root, 'definitions'), ...part as object })
  if (known === undefined) parts.set(part as object, fits)
  return fits(value)
}

const parts = new WeakMap<object, ValidateFunction>()

function pick (schema: object, key: string): object {
  return Object.hasOwn(schema, key) ? { [key]: (schema as Record<string, unknown>)[key] } : {}
}

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
  let validate = validators.get(schema)
  if (validate === undefined) {
    validate = ajv.compile(schema)
    validators.set(schema, validate)
  }
  const errors = new Map<string, FieldError>()
  for (const { part, shift } of partsOf(value)) {
    if (validate(part)) continue
    for (const error of withoutBranches(validate.errors!)) {
      const { path, hidden } = placeOf({ ...error, instancePath: shift(error.instancePath) }, value, base, namesIn(schema))
      const line = hidden === undefined ? undefined : lineOf(hidden)
      const place = hidden === undefined ? path : `${path}:${line}`
      if (!errors.has(place)) errors.set(place, hidden === undefined ? { path, message: messageOf(error) } : { path, line, message: hiddenKey(isUnknownKey(error) ? 'an unknown key' : 'a key without a value') })
      if (errors.size > MAX_ERRORS) return [...errors.values()]
    }
  }
  return [...errors.values()]
}

/** Entries of a list that are validated at once: ajv collects all errors of a value, however many. */
const PART = 2_000

interface Part {
  readonly part: unknown
  /** The place in the whole of a place in the part, both as JSON pointers. */
  readonly shift: (pointer: string) => string
}

/** A value whose one long list is cut into parts, each with everything else around it. */
function * partsOf (value: unknown): Iterable<Part> {
  const [key, list] = typeof value !== 'object' || value === null ? [] : Object.entries(value).find(([, child]) => Array.isArray(child) && child.length > PART) ?? []
  if (key === undefined) {
    yield { part: value, shift: pointer => pointer }
    return
  }
  const prefix = `/${key}/`
  for (let start = 0; start < list.length; start += PART) {
    yield {
      part: { ...value as object, [key]: list.slice(start, start + PART) },
      shift: pointer => pointer.startsWith(prefix) ? pointer.slice(prefix.length).replace(/^\d+/, index => `${prefix}${Number(index) + start}`) : pointer
    }
  }
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

interface Place {
  readonly path: string
  /** The whole path, of whose last key nothing may be told: `path` ends before it. */
  readonly hidden?: string
}

/** The place of an error in our notation; of a missing or unknown key, that key's. */
function placeOf (error: ErrorObject, root: unknown, base: string, names: ReadonlySet<string>): Place {
  const { instancePath, params, propertyName } = error
  const keys = instancePath.split('/').slice(1).map(token => token.replace(/~1/g, '/').replace(/~0/g, '~'))
  const own: string | undefined = params.missingProperty ?? params.additionalProperty ?? params.unevaluatedProperty ?? propertyName
  if (own !== undefined) keys.push(own)
  let path = base
  let value = root
  for (const [index, key] of keys.entries()) {
    const list = Array.isArray(value)
    const inner = joinPath(path, list ? Number(key) : key)
    value = (value as Record<string, unknown>)[key]
    const unknown = isUnknownKey(error) && index === keys.length - 1
    const shown = unknown ? isShownKey(key, value, Object.keys(error.parentSchema?.['properties'] ?? {})) : list || value !== null || names.has(key)
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
      return `unknown key${suggestion(params.additionalProperty ?? params.unevaluatedProperty, Object.keys(schema.properties ?? {}))}`
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
    case 'x-duration': return excessOf(error.data as string, schema['x-duration'])!
    // ajv's own words name no value
    default: return message ?? `breaks the rule "${keyword}"`
  }
}

const IS_DURATION = new RegExp(DURATION, 'u')

/** What is wrong with a duration that is one; the pattern tells what is none. */
function excessOf (text: string, { least, greatest, zero }: DurationBounds): string | undefined {
  if (!IS_DURATION.test(text)) return undefined
  // what is too long to be parsed is too long
  const time = parseDuration(text) ?? Infinity
  if (time > milliseconds(greatest)) return `must be at most ${greatest}`
  if (time === 0 && zero !== undefined) return undefined
  if (least === undefined || time >= milliseconds(least)) return undefined
  return `must be at least ${least}${zero === undefined ? '' : `, or 0s: ${zero}`}`
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
