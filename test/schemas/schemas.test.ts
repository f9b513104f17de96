/** Every schema is a JSON Schema: the service compiles them without asking. */
import { readdir } from 'node:fs/promises'
import { Ajv } from 'ajv'
import { test } from 'tap'

const SCHEMAS = new URL('../../schemas/', import.meta.url)

test('every schema is a JSON Schema', async t => {
  const files = (await readdir(SCHEMAS, { recursive: true })).filter(name => name.endsWith('.ts')).sort()
  const ajv = new Ajv()
  const seen: string[] = []
  for (const file of files) {
    for (const [name, value] of Object.entries(await import(new URL(file, SCHEMAS).href))) {
      if (!isSchema(value)) continue
      t.ok(ajv.validateSchema(value), `${file}: ${name}`, { found: ajv.errors })
      seen.push(`${file}: ${name}`)
    }
  }
  for (const known of ['config.ts: Config', 'providers/ldap.ts: LdapProviderConfig', 'token-review.ts: TokenReviewResponse', 'users.ts: UsersFile']) {
    t.ok(seen.includes(known), `${known} is among them`)
  }
})

/** And not a constant or a function beside them. */
function isSchema (value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
