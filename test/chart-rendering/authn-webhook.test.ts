/**
 * The chart as files: what is made of the sources is up to date, and what
 * watches the service looks for what it really exports. What takes helm,
 * podman or an API server is in test/chart-install, run by `npm run test:chart`.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { load } from 'js-yaml'
import { test } from 'tap'
import { Config } from '../../schemas/config.js'
import { LoginConfig } from '../../schemas/login.js'
import { valuesDocument, valuesTable } from '../../schemas/helm/documents.js'
import { publishedSchemas, publishedValuesSchema } from '../../schemas/published.js'
import { DISTRIBUTIONS, formatDistributionSteps } from '../../src/cli/distributions/index.js'
import { generatedFiles } from '../../scripts/generated-files.mjs'
import { loginSection } from '../fixtures/login-config.js'
import { startService } from '../fixtures/service.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CHART = 'charts/authn-webhook'

test('what is made of the sources is up to date: npm run schemas', t => {
  const files = generatedFiles({ publishedSchemas, publishedValuesSchema, valuesDocument, valuesTable, DISTRIBUTIONS, formatDistributionSteps }, read)
  for (const [name, content] of Object.entries(files)) t.equal(existsSync(join(ROOT, name)) ? read(name) : '', content, name)
  t.end()
})

test('Helm takes every pattern: Go\'s expressions look neither ahead nor behind', t => {
  const patterns = [...read(`${CHART}/values.schema.json`).matchAll(/"pattern": (".*")/g)].map(([, pattern]) => JSON.parse(pattern!) as string)
  t.ok(patterns.length > 20)
  t.strictSame(patterns.filter(pattern => /\(\?[=!<]|\\[1-9]/.test(pattern)), [])
  t.end()
})

test('the defaults that templates rely on are the service\'s', t => {
  const { timeout, path } = Config.properties.server.properties
  t.match(read(`${CHART}/templates/_checks.tpl`), `default "${timeout.default}" $server.timeout`)
  t.match(read(`${CHART}/templates/_login.tpl`), `default ${LoginConfig.properties.port.default} .Values.login.config.port`)
  t.match(read(`${CHART}/templates/_cluster.tpl`), `default "${path.default}" $config.server.path`)
  t.end()
})

test('the chart is of this release', t => {
  const { version } = JSON.parse(read('package.json'))
  t.match(load(read(`${CHART}/Chart.yaml`)), { version, appVersion: version })
  t.end()
})

test('the dashboard and the alerts ask for metrics that are there', async t => {
  const { get } = await startService(t, { providers: { people: { authenticateToken: () => null } } })
  const served = [...(await get('/metrics')).text.matchAll(/^# TYPE (\w+) (\w+)/gm)].flatMap(([, name, kind]) => kind === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name!])
  for (const file of ['dashboard.json', 'rules.yaml']) {
    const named = [...new Set(read(`${CHART}/files/${file}`).match(/\b(authn_webhook|process|nodejs)_\w+/g))]
    t.ok(named.length > 5, `${file} names metrics`)
    t.strictSame(named.filter(name => !served.includes(name)), [], file)
  }
})

test('what an alert sees grow is there from the start: a counter that begins at 1 has grown by nothing', async t => {
  const { get } = await startService(t, {
    providers: { 'break-glass': { authenticateToken: () => null, authenticatePassword: () => null, lookup: () => null } },
    config: { login: await loginSection(t) }
  })
  const lines = (await get('/metrics')).text.split('\n')
  for (const document of [`${CHART}/files/rules.yaml`, 'docs/metrics.md', 'docs/operations.md']) {
    const counters = [...read(document).matchAll(/(?:increase|rate)\((\w+_total)(?:\{([^}]*)\})?\[/g)]
    t.ok(counters.length > 0, `${document} counts`)
    for (const [, name, matchers = ''] of counters) {
      const labels = [...matchers.matchAll(/(\w+)=~?"([^"]*)"/g)].map(([, label, value]) => new RegExp(`[{,]${label}="(?:${value})"`))
      t.ok(lines.some(line => /^[{ ]/.test(line.slice(name!.length)) && line.startsWith(name!) && labels.every(label => label.test(line))), `${document}: ${name} ${matchers}`)
    }
  }
})

test('each alert has its runbook, its words and its unit test', t => {
  const runbooks = read('docs/runbooks.md')
  const tests = read('test/chart-install/rules.test.yaml')
  const { groups } = load(read(`${CHART}/files/rules.yaml`)) as any
  for (const { alert, labels, annotations } of groups.flatMap(({ rules }: any) => rules)) {
    t.match(runbooks, new RegExp(`^## ${alert}$`, 'm'), alert)
    t.match(tests, new RegExp(`alertname: ${alert}\\n\\s+exp_alerts`), `${alert} fires in a test`)
    t.match(tests, new RegExp(`alertname: ${alert} }`), `${alert} keeps still in another`)
    t.match(labels.severity, /^(warning|critical)$/)
    t.ok(annotations.summary && annotations.description)
  }
  t.end()
})

test('deploy/ holds no key', t => {
  const files = readdirSync(join(ROOT, 'deploy'), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.yaml'))
  t.ok(files.includes('sign-in/deployment.yaml'))
  for (const name of files) t.notMatch(read(`deploy/${name}`), /PRIVATE KEY|client-key-data|kind: Secret/, name)
  t.end()
})

function read (name: string): string {
  return readFileSync(join(ROOT, name), 'utf8')
}
