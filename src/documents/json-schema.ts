/**
 * JSON Schema by ajv, with three annotations of ours: `expected`, what a pattern
 * or a union allows, in words; `x-duration`, the bounds of a duration;
 * `x-secret`, the place of a secret.
 */
import { Ajv, _, type KeywordCxt, type ValidateFunction } from 'ajv'
import { DURATION, type DurationBounds } from '../../schemas/primitives.js'
import { milliseconds, parseDuration } from '../authn/duration.js'

// Compiling finds nearly every error of a schema. Validating it as well would cost 20 ms at each start; the conformance suite does that.
const ajv = new Ajv({ validateSchema: false, allErrors: true, useDefaults: true, coerceTypes: false, verbose: true, addUsedSchema: false, passContext: true, allowMatchingProperties: true, strictTypes: false, strictTuples: false, allowUnionTypes: true })
ajv.addVocabulary(['expected'])
ajv.addKeyword({
  keyword: 'x-duration',
  type: 'string',
  schemaType: 'object',
  compile: (bounds: DurationBounds) => (text: string) => durationError(text, bounds) === undefined
})
ajv.addKeyword({
  keyword: 'x-secret',
  schemaType: 'boolean',
  errors: false,
  validate (this: unknown, isSecret: boolean, _data: unknown, _schema: unknown, place?: { readonly instancePath: string }) {
    if (isSecret && place !== undefined && Array.isArray(this)) this.push(place.instancePath)
    return true
  }
})
// Ajv's own stop at the first branch or item that is valid, and miss the secrets of the others.
for (const keyword of ['anyOf', 'oneOf', 'contains']) {
  ajv.removeKeyword(keyword)
  ajv.addKeyword({
    keyword,
    ...keyword === 'contains' ? { type: 'array', error: { message: 'must contain at least 1 valid item' } } : { schemaType: 'array' },
    trackErrors: true,
    code: validateEveryBranch
  })
}

function validateEveryBranch (cxt: KeywordCxt): void {
  const { gen, keyword } = cxt
  const matches = gen.let('matches', 0)
  const validate = (branch: object): void => {
    const valid = gen.name('valid')
    cxt.subschema({ keyword, compositeRule: true, ...branch }, valid)
    gen.if(valid, () => gen.assign(matches, _`${matches} + 1`))
  }
  if (keyword === 'contains') gen.forIn('item', cxt.data, dataProp => { validate({ dataProp }) })
  else for (const schemaProp of (cxt.schema as unknown[]).keys()) validate({ schemaProp })
  cxt.result(keyword === 'oneOf' ? _`${matches} === 1` : _`${matches} > 0`, () => { cxt.reset() }, () => { cxt.error(true) })
}

/** @throws Error if the schema is invalid */
export function compile (schema: object): ValidateFunction {
  return ajv.compile(schema)
}

/**
 * JSON pointers to every secret in `value`, by whatever keywords the schema leads there.
 * @throws Error if the schema is invalid
 */
export function findSecrets (value: unknown, schema: object): Set<string> {
  const validate = compile(schema)
  const found = new Set<string>()
  for (const { part, shift } of partsOf(value)) {
    const pointers: string[] = []
    validate.call(pointers, part)
    for (const pointer of pointers) found.add(shift(pointer))
  }
  return found
}

/** Items of a list that are validated at once: ajv collects all errors of a value. */
const PART_LENGTH = 2_000

interface Part {
  readonly part: unknown
  /** Turns a JSON pointer into the part into one into the whole value. */
  readonly shift: (pointer: string) => string
}

/** A value whose one long list is cut into parts, each with everything else around it. */
export function * partsOf (value: unknown): Iterable<Part> {
  const [key, list] = typeof value !== 'object' || value === null ? [] : Object.entries(value).find(([, child]) => Array.isArray(child) && child.length > PART_LENGTH) ?? []
  if (key === undefined) {
    yield { part: value, shift: pointer => pointer }
    return
  }
  const prefix = `/${key}/`
  for (let start = 0; start < list.length; start += PART_LENGTH) {
    yield {
      part: { ...value as object, [key]: list.slice(start, start + PART_LENGTH) },
      shift: pointer => pointer.startsWith(prefix) ? pointer.slice(prefix.length).replace(/^\d+/, index => `${prefix}${Number(index) + start}`) : pointer
    }
  }
}

export function keysOf (pointer: string): string[] {
  return pointer.split('/').slice(1).map(token => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

const IS_DURATION = new RegExp(DURATION, 'u')

/** Why a duration is out of bounds; the pattern of the schema rejects what is no duration. */
export function durationError (text: string, { least, greatest, zero }: DurationBounds): string | undefined {
  if (!IS_DURATION.test(text)) return undefined
  // what is too long to be parsed is too long
  const time = parseDuration(text) ?? Infinity
  if (time > milliseconds(greatest)) return `must be at most ${greatest}`
  if (time === 0 && zero !== undefined) return undefined
  if (least === undefined || time >= milliseconds(least)) return undefined
  return `must be at least ${least}${zero === undefined ? '' : `, or 0s: ${zero}`}`
}
