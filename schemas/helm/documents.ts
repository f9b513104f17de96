/** Generates the chart's values.yaml and the table of its README; `npm run schemas` writes both. */
import type { TSchema } from '@sinclair/typebox'
import { HelmValues } from '../helm-values.js'

interface Value {
  readonly name: string
  readonly schema: TSchema
  /** Of a group. */
  readonly values?: readonly Value[]
}

/** @param dump a value as YAML, an empty one in one line */
export function valuesDocument (dump: (value: unknown) => string): string {
  const lines = valuesOf(HelmValues).flatMap(value => [...document(value, dump, ''), ''])
  return ['# yaml-language-server: $schema=values.schema.json', '# Generated from schemas/helm-values.ts by "npm run schemas".', '', ...lines.slice(0, -1), ''].join('\n')
}

/** The rows of the README's table. */
export function valuesTable (): string {
  const row = (path: string, { name, schema, values }: Value): string[] => {
    const key = `${path}${name}`
    if (values !== undefined) return values.flatMap(value => row(`${key}.`, value))
    return [`| \`${key}\` | ${code(schema['default'])} | ${escape(schema.description ?? '')}${words(schema)} |`]
  }
  return ['| value | default | description |', '|---|---|---|', ...valuesOf(HelmValues).flatMap(value => row('', value)), ''].join('\n')
}

/** Values without a default are for parent charts, and are omitted. */
function valuesOf (group: TSchema): Value[] {
  return Object.entries(group['properties'] as Record<string, TSchema>)
    .filter(([, schema]) => schema['default'] !== undefined)
    .map(([name, schema]) => isGroup(schema) ? { name, schema, values: valuesOf(schema) } : { name, schema })
}

/** A group has no default of its own, but its values have. */
function isGroup ({ properties, default: value }: TSchema): boolean {
  return properties !== undefined && Object.keys(value).length === 0
}

function document ({ name, schema, values }: Value, dump: (value: unknown) => string, indent: string): string[] {
  const comment = [...wrap(schema.description ?? '', 96 - indent.length), ...choices(schema)].map(line => `${indent}# ${line}`)
  if (values !== undefined) return [...comment, `${indent}${name}:`, ...values.flatMap(value => document(value, dump, `${indent}  `))]
  const text = dump(schema['default'])
  const isScalar = typeof schema['default'] !== 'object' || Object.keys(schema['default']).length === 0
  if (isScalar) return [...comment, `${indent}${name}: ${text}`]
  return [...comment, `${indent}${name}:`, ...text.split('\n').map(line => `${indent}  ${line}`)]
}

function choices (schema: TSchema): string[] {
  return schema['enum'] === undefined ? [] : [`One of ${quoted(schema).join(', ')}.`]
}

function words (schema: TSchema): string {
  return schema['enum'] === undefined ? '' : ` One of ${quoted(schema).map(word => `\`${word}\``).join(', ')}.`
}

function quoted (schema: TSchema): string[] {
  return (schema['enum'] as string[]).map(word => word === '' ? '""' : word)
}

function code (value: unknown): string {
  return `\`${escape(JSON.stringify(value))}\``
}

function escape (text: string): string {
  return text.replaceAll('|', '\\|')
}

function wrap (text: string, width: number): string[] {
  return text.split(' ').reduce<string[]>((lines, word) => {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > width) return [...lines, word]
    return [...lines.slice(0, -1), `${last} ${word}`]
  }, [])
}
