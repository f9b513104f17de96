/** Everything in examples/ works as it stands, and so do the JSON Schemas that its headers name. */
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import { load } from 'js-yaml'
import { test } from 'tap'
import { Config } from '../schemas/config.js'
import { LdapProviderConfig } from '../schemas/providers/ldap.js'
import { publishedSchemas } from '../schemas/published.js'
import { TokenReviewRequest } from '../schemas/token-review.js'
import { User, UserToken, UsersFile } from '../schemas/users.js'
import { parseCredential } from '../src/authn/credential.js'
import { digestToken } from '../src/authn/token-digest.js'
import { loadConfig } from '../src/config/load.js'
import { parseDocument } from '../src/documents/yaml-file.js'
import { readUsers } from '../src/users-file/read.js'
import { findDefinition, KINDS } from '../src/config/registry.js'

const EXAMPLES = fileURLToPath(new URL('../examples/', import.meta.url))
const SCHEMAS = fileURLToPath(new URL('../schemas/json/', import.meta.url))
const ENV = { FINGERPRINT_KEY: 'of-the-environment', LDAP_BIND_PASSWORD: 'of-the-environment', INTROSPECTION_CLIENT_SECRET: 'of-the-environment', DASHBOARD_CLIENT_SECRET: 'of-the-environment' }

const files = (await readdir(EXAMPLES)).filter((name) => name.endsWith('.yaml'))
const configs = files.filter((name) => !['users.yaml', 'revocations.yaml'].includes(name))
const text = async (name: string): Promise<string> => await readFile(join(EXAMPLES, name), 'utf8')

function editorsSchema (name: string) {
  const ajv = new Ajv({ allErrors: true, strictTypes: false, strictRequired: false })
  ajv.addKeyword('patternErrorMessage')
  return ajv.compile(publishedSchemas()[name]!)
}

test('every config loads', async (t) => {
  t.strictSame(configs.sort(), ['active-directory.yaml', 'full.yaml', 'jwt.yaml', 'login.yaml', 'minimal.yaml', 'two-providers.yaml'])
  for (const name of configs) {
    const { providers } = await loadConfig({ file: join(EXAMPLES, name), env: ENV, findDefinition })
    t.ok(providers.length > 0, name)
  }
})

test('every file names its schema, which accepts it', async (t) => {
  for (const name of files) {
    const schema = configs.includes(name) ? 'config.schema.json' : name.replace('.yaml', '.schema.json')
    t.match((await text(name)).split('\n')[0], `# yaml-language-server: $schema=../schemas/json/${schema}`, name)
    const accepts = editorsSchema(schema)
    t.ok(accepts(load(await text(name))), `${name}: ${JSON.stringify(accepts.errors)}`)
  }
})

test('full.yaml has every field, with its default where it says no other', async (t) => {
  const { value } = parseDocument<any>(await text('full.yaml'), { file: 'full.yaml', schema: {} })
  const others = new Set(['admin', 'tls', 'throttle.maxConcurrent', 'log.fingerprintKey', 'login', 'sessions'])
  // in comments: they are for another kind of store
  const commented = new Set(['store.url', 'store.username', 'store.password', 'store.caFile'])
  compare(Config, value, '')

  function compare (schema: any, written: any, path: string): void {
    for (const [key, field] of Object.entries<any>(schema.properties)) {
      const at = path === '' ? key : `${path}.${key}`
      if (at === 'identityProviders') {
        // `from` is for one kind, the rest for any
        compare(field.items, Object.assign({}, ...written[key].toReversed()), at)
        continue
      }
      if (commented.has(at)) continue
      t.ok(Object.hasOwn(written, key), `${at} is there`)
      if (field.properties !== undefined) compare(field, written[key], at)
      else if (field.default !== undefined && !others.has(at.split('.')[0]!) && key !== 'config') t.strictSame(written[key], field.default, `${at} is the default`)
    }
  }
})

test('full.yaml has every field of the directory', async (t) => {
  const { value } = parseDocument<any>(await text('full.yaml'), { file: 'full.yaml', schema: {} })
  const { config } = value.identityProviders.find(({ kind }: { kind: string }) => kind === 'ldap')
  // an example that works has to say what these are
  const others = new Set(['preset', 'tls.caFile', 'bindDN', 'bindPassword', 'userSearch.baseDN', 'groupSearch.baseDN', 'userSearch.attributes.extra', 'maxBadPasswordCount'])
  compare(LdapProviderConfig, config, '')

  function compare (schema: any, written: any, path: string): void {
    t.strictSame(Object.keys(written), Object.keys(schema.properties), path)
    for (const [key, field] of Object.entries<any>(schema.properties)) {
      const at = path === '' ? key : `${path}.${key}`
      if (field.properties !== undefined) compare(field, written[key], at)
      else if (field.default !== undefined && !others.has(at)) t.strictSame(written[key], field.default, `${at} is the default`)
    }
  }
})

test('users.yaml', async (t) => {
  const source = await text('users.yaml')
  const users = await readUsers(join(EXAMPLES, 'users.yaml'))

  t.test('shows every field', async (t) => {
    const { users } = load(source) as UsersFile
    t.strictSame(new Set(users.flatMap(Object.keys)), new Set(Object.keys(User.properties)))
    t.strictSame(new Set(users.flatMap(({ tokens = [] }) => tokens.flatMap(Object.keys))), new Set(Object.keys(UserToken.properties)))
  })

  t.test('has the passwords and tokens that its comments tell', async (t) => {
    for (const [name, password] of [['demo-user', 'demo-password'], ['alice', 'wonderland'], ['bob', 'wonderland']] as const) {
      t.match(source, password)
      t.ok(await users.byName(name)?.passwordHash?.verify(password), name)
    }
    for (const [name, token] of [['demo-robot', 'demo-token-9f2b7c4e1a8d4f60b3c5'], ['alice', 'demo-token-of-alice-5d0e8c7a3b9f4126']] as const) {
      t.match(source, token)
      t.match(source, digestToken(token))
      t.equal(users.byToken(token)?.user.info.username, name)
    }
    t.equal(users.byName('bob')?.disabled, true)
    t.match(users.byName('carol')?.expiresAt, new Date('2026-12-31T23:59:59Z'))
  })
})

test('token-review.json asks who demo-user is', async (t) => {
  const review = JSON.parse(await text('token-review.json'))
  t.ok(new Ajv().compile(TokenReviewRequest)(review))
  t.match(parseCredential(review.spec.token).passwordCredential, { username: 'demo-user', password: 'demo-password' })
})

test('the published JSON Schemas', async (t) => {
  t.test('are those of the sources: else run "npm run schemas"', async (t) => {
    const published = publishedSchemas()
    t.strictSame((await readdir(SCHEMAS)).sort(), Object.keys(published).sort())
    for (const [name, schema] of Object.entries(published)) {
      t.equal(await readFile(join(SCHEMAS, name), 'utf8'), `${JSON.stringify(schema, null, 2)}\n`, name)
    }
  })

  t.test('know every kind', async (t) => {
    const { properties: { identityProviders: { items } } } = publishedSchemas()['config.schema.json'] as any
    t.strictSame([...items.properties.kind.enum].sort(), [...KINDS].sort())
  })

  t.test('refuse what the service refuses', async (t) => {
    const accepts = editorsSchema('config.schema.json')
    const minimal = load(await text('minimal.yaml')) as any
    for (const [name, edit] of [
      ['an unknown key', (config) => { config.server = { prot: 1 } }],
      ['no certificate', (config) => { delete config.tls }],
      ['an unknown kind', (config) => { config.identityProviders[0].kind = 'statc' }],
      ['a duration without a unit', (config) => { config.server = { timeout: '8' } }],
      ['a provider without its config', (config) => { delete config.identityProviders[0].config }],
      ['a provider with another\'s config', (config) => { config.identityProviders[0].kind = 'mock' }],
      ['a module from nowhere', (config) => { config.identityProviders[0].kind = 'module' }]
    ] as Array<[string, (config: any) => void]>) {
      const config = structuredClone(minimal)
      t.ok(accepts(config))
      edit(config)
      t.notOk(accepts(config), name)
    }
  })
})
