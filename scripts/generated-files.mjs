// Every file that is made from the sources, by its path. Beside the script that
// writes them, so that a test can compare without writing.
import { dump } from 'js-yaml'

/** @param read the text of a file that is made in part */
export function generatedFiles ({ publishedSchemas, publishedValuesSchema, valuesDocument, valuesTable, DISTRIBUTIONS, formatDistributionSteps }, read) {
  const chart = 'charts/authn-webhook'
  return {
    ...Object.fromEntries(Object.entries(publishedSchemas()).map(([name, schema]) => [`schemas/json/${name}`, json(schema)])),
    [`${chart}/values.schema.json`]: json(publishedValuesSchema()),
    [`${chart}/values.yaml`]: valuesDocument(yaml),
    ...Object.fromEntries(Object.keys(DISTRIBUTIONS).map(name => [`${chart}/files/notes/${name}.txt`, formatDistributionSteps(name)])),
    [`${chart}/README.md`]: between(read(`${chart}/README.md`), 'values', valuesTable())
  }
}

function json (value) {
  return `${JSON.stringify(value, null, 2)}\n`
}

/** In one line where nothing is in it. */
function yaml (value) {
  const empty = typeof value !== 'object' || Object.keys(value).length === 0
  return dump(value, { lineWidth: -1, ...empty && { flowLevel: 0 } }).trimEnd()
}

/** Replaces what stands between two comments. */
function between (text, name, content) {
  const [before, rest] = text.split(`<!-- ${name}: begin -->\n`)
  const [, after] = rest.split(`<!-- ${name}: end -->`)
  return `${before}<!-- ${name}: begin -->\n${content}<!-- ${name}: end -->${after}`
}
