/** Every schema is a JSON Schema: the service compiles them without asking. */
import { readdir } from 'node:fs/promises'
import { Ajv } from 'ajv'
import { test } from 'tap'

const SCHEMAS = new URL('../../schemas/', import.meta.url)

const files = (await readdir(SCHEMAS, { recursive: true })).filter(name => name.endsWith('.ts')).sort()

test('they are found', async t => {
  for (const name of ['config.ts', 'token-review.ts', 'providers/ldap.ts']) t.ok(files.includes(name), name)
})

for (const file of files) {
  test(file, async t => {
    const ajv = new Ajv()
    for (const [name, value] of Object.entries(await import(new URL(file, SCHEMAS).href))) {
      if (isSchema(value)) t.ok(ajv.validateSchema(value), name, { found: ajv.errors })
    }
  })
}

/** And not a constant or a function beside them. */
function isSchema (value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
