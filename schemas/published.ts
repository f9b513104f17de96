/** JSON Schemas for editors; `npm run schemas` writes them to schemas/json. */
import type { TSchema } from '@sinclair/typebox'
import { Config } from './config.js'
import { HelmValues } from './helm-values.js'
import { JwtProviderConfig } from './providers/jwt.js'
import { LdapProviderConfig } from './providers/ldap.js'
import { MockProviderConfig } from './providers/mock.js'
import { StaticProviderConfig } from './providers/static.js'
import { RevocationsFile } from './revocations.js'
import { UsersFile } from './users.js'

/** The `config:` of the built-in kinds. */
const PROVIDER_CONFIGS: Readonly<Record<string, TSchema>> = {
  static: StaticProviderConfig,
  ldap: LdapProviderConfig,
  jwt: JwtProviderConfig,
  mock: MockProviderConfig
}

/** By the file's name. */
export function publishedSchemas (): Record<string, object> {
  return {
    'config.schema.json': { $schema: DIALECT, ...withKinds(publish(Config)) },
    'users.schema.json': { $schema: DIALECT, ...publish(UsersFile) },
    'revocations.schema.json': { $schema: DIALECT, ...publish(RevocationsFile) }
  }
}

/** For values.yaml. A secret there would end in a ConfigMap, so it can only be a reference. */
export function publishedValuesSchema (): object {
  const schema = referSecrets(HelmValues)
  const published = publish(schema)
  return { $schema: DIALECT, ...published, properties: { ...published.properties, config: withKinds(published.properties.config, referSecrets) } }
}

/** Annotations of ours, unknown to editors. */
const OURS = ['expected', 'x-secret', 'x-duration']

const DIALECT = 'http://json-schema.org/draft-07/schema#'

/** A field with a default is optional in a file, though TypeBox says `required`. */
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

/** The same schema, with secrets only as references. */
function referSecrets (schema: any): any {
  if (Array.isArray(schema)) return schema.map(referSecrets)
  if (typeof schema !== 'object' || schema === null) return schema
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, referSecrets(value)]))
  if (schema['x-secret'] === true) copy['anyOf'] = schema.anyOf.filter(({ type }: { type: string }) => type === 'object')
  return copy
}

/** Adds the schema of `config:` for each kind. */
function withKinds (config: any, prepare: (schema: TSchema) => TSchema = (schema) => schema): any {
  const { items: entry } = config.properties.identityProviders
  entry.properties.kind.enum = [...Object.keys(PROVIDER_CONFIGS), 'module']
  entry.allOf = [
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
