// Writes what is made from the sources: schemas/json, and of the chart its
// values.yaml, its values.schema.json, the table of its README and the steps of
// its notes: `npm run schemas`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generatedFiles } from './generated-files.mjs'

const root = new URL('..', import.meta.url)
const sources = {
  ...await import('../dist/schemas/published.js'),
  ...await import('../dist/schemas/helm/documents.js'),
  ...await import('../dist/src/cli/distributions/index.js')
}
for (const [name, content] of Object.entries(generatedFiles(sources, read))) {
  const file = fileURLToPath(new URL(name, root))
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}

function read (name) {
  return readFileSync(new URL(name, root), 'utf8')
}
