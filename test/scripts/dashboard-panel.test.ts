/** The picture of the dashboard: what a reader of docs/runbooks.md sees of a panel. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { test } from 'tap'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const { panels } = JSON.parse(readFileSync(join(ROOT, 'charts/authn-webhook/files/dashboard.json'), 'utf8'))
const { draw } = await import(pathToFileURL(join(ROOT, 'scripts/dashboard-panel.mjs')).href)

const RESULTS = { authenticated: 'green', denied: 'blue', unavailable: 'red', shed: 'orange' }

test('each result of a review has its own colour, and only one is green', async t => {
  const { overrides } = panels.find(({ title }: { title: string }) => title === 'Reviews').fieldConfig
  const colours = Object.fromEntries(overrides.map(({ matcher, properties }: any) => [matcher.options, properties[0].value.fixedColor]))
  t.strictSame(colours, RESULTS)
})

for (const panel of panels.filter(({ type }: { type: string }) => type === 'timeseries')) {
  test(`${panel.title}: axes have units, and the legend stays inside`, async t => {
    t.ok(panel.fieldConfig.defaults.custom.axisLabel, 'in Grafana too')
    const answers = [...Object.keys(RESULTS), 'a provider with a long name wrong-credential', 'another provider with a long name locked']
      .map((name, index) => ({ name, points: [[0, index / 6], [1, 0.9]] }))
    const svg: string = draw(panel, answers, 180)
    const [, left = 0, top = 0, width = 0, height = 0] = /^<g><rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"/.exec(svg)!.map(Number)
    const names = [...svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)" fill="#333" font-size="10">([^<]+)/g)].map(([, x, y, name]) => ({ x: Number(x), y: Number(y), name: name! }))
    t.strictSame(names.map(({ name }) => name), answers.map(({ name }) => name))
    for (const { x, y, name } of names) {
      t.ok(x > left && x + name.length * 6 <= left + width, `${name} ends before the panel does`)
      t.ok(y > top && y < top + height - 2, `${name} is above its lower edge`)
    }
    t.match(svg, `>${panel.fieldConfig.defaults.custom.axisLabel}<`)
    t.match(svg, />−180 s<.*>now</, 'time')
  })
}
