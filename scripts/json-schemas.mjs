// Writes schemas/json from the TypeBox schemas: `npm run schemas`.
import { mkdirSync, writeFileSync } from 'node:fs'
import { publishedSchemas } from '../dist/schemas/published.js'

const folder = new URL('../schemas/json/', import.meta.url)
mkdirSync(folder, { recursive: true })
for (const [name, schema] of Object.entries(publishedSchemas())) {
  writeFileSync(new URL(name, folder), `${JSON.stringify(schema, null, 2)}\n`)
}
