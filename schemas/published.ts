/**
 * The JSON Schemas of both files, as editors want them: `npm run schemas`
 * writes them to schemas/json, and a test fails when they differ.
 */
import type { TSchema } from '@sinclair/typebox'
import { Config } from './config.js'
import { HelmValues } from './helm-values.js'
import { LdapProviderConfig } from './providers/ldap.js'
import { MockProviderConfig } from './providers/mock.js'
import { StaticProviderConfig } from './providers/static.js'
import { UsersFile } from './users.js'

/** The `config:` of the built-in kinds. */
const PROVIDER_CONFIGS: Readonly<Record<string, TSchema>> = {
  static: StaticProviderConfig,
  ldap: LdapProviderConfig,
  mock: MockProviderConfig
}

/** By the file's name. */
export function publishedSchemas (): Record<string, object> {
  return {
    'config.schema.json': { $schema: DIALECT, ...withKinds(publish(Config)) },
    'users.schema.json': { $schema: DIALECT, ...publish(UsersFile) }
  }
}

/** Of values.yaml, for Helm and for editors. A secret in them would end in a ConfigMap, so there it can only be referred to. */
export function publishedValuesSchema (): object {
  const schema = referSecrets(HelmValues)
  const published = publish(schema)
  return { $schema: DIALECT, ...published, properties: { ...published.properties, config: withKinds(published.properties.config, referSecrets) } }
}

/** Annotations that no other reader knows. */
const OURS = ['expected', 'x-secret', 'x-duration']

const DIALECT = 'http://json-schema.org/draft-07/schema#'

/**
 * What has a default may be left out of a file; TypeBox says `required`, since
 * code finds it always. Our annotations become the one that editors know.
 */
function publish (schema: any): any {
  if (Array.isArray(schema)) return schema.map(publish)
  if (typeof schema !== 'object' || schema === null) return schema
  const published = Object.fromEntries(Object.entries(schema)
    .filter(([key]) => !OURS.includes(key))
    .map(([key, value]) => [key, publish(value)]))
  if (schema.expected !== undefined && schema.pattern !== undefined) published['patternErrorMessage'] = `not ${schema.expected}`
  if (schema.properties !== undefined && schema.required !== undefined) {
    const required = schema.required.filter((key: string) => schema.properties[key].default === undefined)
    if (required.length > 0) published['required'] = required
    else delete published['required']
  }
  return published
}

/** The same schema, in which a secret is no text. */
function referSecrets (schema: any): any {
  if (Array.isArray(schema)) return schema.map(referSecrets)
  if (typeof schema !== 'object' || schema === null) return schema
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, referSecrets(value)]))
  if (schema['x-secret'] === true) copy['anyOf'] = schema.anyOf.filter(({ type }: { type: string }) => type === 'object')
  return copy
}

/** Each kind with the schema of its `config:`. */
function withKinds (config: any, prepare: (schema: TSchema) => TSchema = (schema) => schema): any {
  const { items: slot } = config.properties.identityProviders
  slot.properties.kind.enum = [...Object.keys(PROVIDER_CONFIGS), 'module']
  slot.allOf = [
    ...Object.entries(PROVIDER_CONFIGS).map(([kind, schema]) => forKind(kind, inPlaceOfConfig(publish(prepare(schema))))),
    forKind('module', { required: ['from'] })
  ]
  return config
}

function forKind (kind: string, then: object): object {
  return { if: { properties: { kind: { const: kind } } }, then }
}

function inPlaceOfConfig (schema: any): object {
  return { properties: { config: schema }, ...schema.required !== undefined && { required: ['config'] } }
}
