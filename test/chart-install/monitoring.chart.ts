/** Alerts and dashboard, as Prometheus reads them. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { tool } from '../e2e/cluster.js'
import { startService } from '../fixtures/service.js'
import { parseManifests } from './manifests.js'
import { type } from './podman.js'
import { CHART, ci } from './release.js'

const RULES = join(CHART, 'files/rules.yaml')

test('promtool takes the alerts, and each fires when it must', async t => {
  t.match(await type(tool('PROMTOOL'), ['check', 'rules', RULES]), { code: 0 })
  const tests = readFileSync(new URL('rules.test.yaml', import.meta.url), 'utf8').replaceAll('{{RULES}}', RULES)
  const dir = t.testdir({ 'rules.test.yaml': tests })
  const { code, stdout, stderr } = await type(tool('PROMTOOL'), ['test', 'rules', join(dir, 'rules.test.yaml')])
  t.equal(code, 0, stdout + stderr)
})

test('promtool takes every expression of the dashboard', async t => {
  const { panels } = JSON.parse(readFileSync(join(CHART, 'files/dashboard.json'), 'utf8'))
  const rules = panels.flatMap(({ targets }: any) => targets).map(({ expr }: any, index: number) => ({ record: `panel:${index}`, expr: expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(namespace|pod)/g, '.*') }))
  const file = join(t.testdir({}), 'panels.yaml')
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'panels', rules }] }))
  const { code, stdout, stderr } = await type(tool('PROMTOOL'), ['check', 'rules', '--lint=none', file])
  t.equal(code, 0, stdout + stderr)
})

test('promtool takes the metrics', async t => {
  const { get } = await startService(t, { providers: { people: { authenticateToken: () => null } } })
  const { text } = await get('/metrics')
  const { code, stdout, stderr } = await type(tool('PROMTOOL'), ['check', 'metrics'], { input: text })
  const ours = (stdout + stderr).split('\n').filter(line => line.includes('authn_webhook_'))
  t.strictSame(ours, [], 'nothing to say about ours')
  // 3: words about names; prom-client's own have some
  t.ok([0, 3].includes(code!), stdout + stderr)
})

test('the chart hands both on as they are, each alert with the address of its runbook', async t => {
  const { code, stdout, stderr } = await type(tool('HELM'), ['template', 'authn-webhook', CHART, '--namespace', 'kube-system', '--values', ci('monitoring')])
  t.equal(code, 0, stderr)
  const manifests = parseManifests(stdout)
  const rule = manifests.find(({ kind }) => kind === 'PrometheusRule')!
  const [own] = parseManifests(readFileSync(RULES, 'utf8'))
  t.match(rule['spec'], own)
  for (const { alert, annotations } of rule['spec'].groups[0].rules) t.equal(annotations.runbook_url, `https://example.com/docs/runbooks.md#${alert.toLowerCase()}`)
  const dashboard = manifests.find(({ metadata }) => metadata.name === 'authn-webhook-dashboard')!
  t.equal(dashboard.metadata.labels?.['grafana_dashboard'], '1')
  t.strictSame(JSON.parse(dashboard['data']['authn-webhook.json']), JSON.parse(readFileSync(join(CHART, 'files/dashboard.json'), 'utf8')))
})
