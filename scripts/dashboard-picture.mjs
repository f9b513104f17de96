// Draws docs/dashboard.svg: the panels of the chart's Grafana dashboard, with
// what a real Prometheus answers to their own expressions after a few minutes of
// a real service under mixed load. It is no screenshot of Grafana; it shows
// which panels there are, and that each of them has something to show.
//
// usage: npm run build && PROMETHEUS=/path/of/prometheus node scripts/dashboard-picture.mjs [SECONDS]
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CLI = join(ROOT, 'dist/src/cli.js')
const SECONDS = Number(process.argv[2] ?? 180)
const [PORT, ADMIN, PROMETHEUS_PORT] = [18443, 19443, 19090]
const COLOURS = ['#3274d9', '#e0b400', '#e02f44', '#37872d', '#8f3bb8', '#fa6400', '#1f9e9e', '#7a7a7a']
const CELL = { width: 46, height: 24 }

const dir = mkdtempSync(join(tmpdir(), 'dashboard-'))
const processes = []
try {
  const dashboard = JSON.parse(readFileSync(join(ROOT, 'charts/authn-webhook/files/dashboard.json'), 'utf8'))
  const token = prepare()
  start(process.execPath, [CLI, 'serve', '--config', 'config.yaml'])
  start(process.env.PROMETHEUS ?? 'prometheus', ['--config.file=prometheus.yml', `--storage.tsdb.path=${dir}/data`, `--web.listen-address=127.0.0.1:${PROMETHEUS_PORT}`, '--log.level=error'])
  await load(token)
  const end = Math.floor(Date.now() / 1000)
  const drawn = []
  for (const panel of dashboard.panels) drawn.push(draw(panel, await series(panel, end - SECONDS, end)))
  const height = Math.max(...dashboard.panels.map(({ gridPos: { y, h } }) => y + h)) * CELL.height
  writeFileSync(join(ROOT, 'docs/dashboard.svg'), `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${24 * CELL.width} ${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#f4f5f5"/>
${drawn.join('\n')}
</svg>
`)
} finally {
  for (const child of processes) child.kill('SIGKILL')
  await sleep(200)
  rmSync(dir, { recursive: true, force: true })
}

/** Files of a service with two providers, the second of which fails now and then. @returns alice's token */
function prepare () {
  const type = (...args) => execFileSync(process.execPath, [CLI, ...args], { cwd: dir, encoding: 'utf8', input: 'correct horse battery staple', stdio: ['pipe', 'pipe', 'ignore'] })
  type('certs', '--out', 'tls')
  const token = /awt_\w+/.exec(type('users', 'add', 'alice', '--group', 'developers', '--token', 'laptop'))[0]
  type('users', 'add', 'bob', '--group', 'developers', '--password-file', '-')
  writeFileSync(join(dir, 'directory.mjs'), `
let down = false
setInterval(() => { down = !down }, 20000).unref()
export default {
  contract: 1, kind: 'directory', schema: { type: 'object' },
  open: () => ({
    ping () { if (down) throw new Error('down') },
    async authenticateToken (token) {
      await new Promise(resolve => setTimeout(resolve, 5 + Math.random() * 60))
      if (down) throw new Error('down')
      return token.startsWith('directory-') ? { user: { username: token.slice(10), groups: ['staff', 'system:masters'] } } : null
    }
  })
}`)
  writeFileSync(join(dir, 'config.yaml'), JSON.stringify({
    apiVersion: 'authn-webhook/v1',
    server: { host: '127.0.0.1', port: PORT },
    admin: { host: '127.0.0.1', port: ADMIN },
    tls: { certFile: 'tls/tls.crt', keyFile: 'tls/tls.key' },
    log: { level: 'error' },
    identityProviders: [
      { name: 'people', kind: 'static', usernamePrefix: 'people:', groupPrefix: 'people:', config: { usersFile: 'users.yaml' } },
      { name: 'directory', kind: 'module', from: './directory.mjs', usernamePrefix: 'corp:', groupPrefix: '', cache: { successTTL: '5s', failureTTL: '2s' } }
    ],
    sharedNames: true
  }))
  writeFileSync(join(dir, 'prometheus.yml'), JSON.stringify({
    global: { scrape_interval: '2s' },
    scrape_configs: [{ job_name: 'authn-webhook', static_configs: [{ targets: [`127.0.0.1:${ADMIN}`], labels: { namespace: 'kube-system', pod: 'authn-webhook-0' } }] }]
  }))
  return token
}

function start (command, args) {
  const child = spawn(command, args, { cwd: dir, stdio: ['ignore', 'inherit', 'inherit'] })
  child.on('error', error => { throw error })
  processes.push(child)
}

/** People, programs, strangers, and somebody who guesses. */
async function load (token) {
  const agent = new Agent({ ca: readFileSync(join(dir, 'tls/ca.crt')), keepAlive: true, maxSockets: 50 })
  const ask = (token) => {
    const call = request({ host: '127.0.0.1', port: PORT, method: 'POST', path: '/authenticate', agent, headers: { 'content-type': 'application/json' } }, response => { response.resume() })
    call.on('error', () => {})
    call.end(JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } }))
  }
  const basic = (username, password) => Buffer.from(`${username}:${password}`).toString('base64')
  for (let tick = 0; tick < SECONDS * 10; tick++) {
    const wave = 1 + Math.sin(tick / 150)
    for (let i = 0; i < 4 * wave; i++) ask(token)
    for (let i = 0; i < 2 * wave; i++) ask(`directory-user-${Math.floor(Math.random() * 80)}`)
    if (tick % 5 === 0) ask(basic('bob', 'correct horse battery staple'))
    if (tick % 7 === 0) ask(`stale-${tick % 50}`)
    if (tick % 20 === 0 && tick > SECONDS * 5) ask(basic('bob', `guess-${tick}`))
    if (tick % 600 === 300) writeFileSync(join(dir, 'users.yaml'), `${readFileSync(join(dir, 'users.yaml'), 'utf8')}# touched\n`)
    await sleep(100)
  }
}

async function series ({ targets }, start, end) {
  const answers = []
  for (const { expr, legendFormat } of targets) {
    const query = expr.replaceAll('$__rate_interval', '20s').replaceAll(/\$(namespace|pod)/g, '.*')
    const url = `http://127.0.0.1:${PROMETHEUS_PORT}/api/v1/query_range?${new URLSearchParams({ query, start, end, step: '2' })}`
    const { status, data, error } = await (await fetch(url)).json()
    if (status !== 'success') throw new Error(`${query}: ${error}`)
    for (const { metric, values } of data.result) {
      answers.push({
        name: legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_, label) => metric[label] ?? '').trim(),
        points: values.map(([time, value]) => [(time - start) / (end - start), Number(value)]).filter(([, value]) => Number.isFinite(value))
      })
    }
  }
  return answers
}

function draw ({ title, type, gridPos, fieldConfig: { defaults: { unit, max } } }, answers) {
  const box = { x: gridPos.x * CELL.width + 4, y: gridPos.y * CELL.height + 4, width: gridPos.w * CELL.width - 8, height: gridPos.h * CELL.height - 8 }
  const frame = `<rect x="${box.x}" y="${box.y}" width="${box.width}" height="${box.height}" rx="3" fill="#fff" stroke="#d8d9da"/><text x="${box.x + 10}" y="${box.y + 20}" font-weight="bold" fill="#333">${escape(title)}</text>`
  if (type === 'stat') {
    const lines = answers.map(({ name, points }, index) => `<text x="${box.x + box.width / 2}" y="${box.y + 80 + index * 40}" text-anchor="middle" font-size="24" fill="#37872d">${format(points.at(-1)[1], unit)}</text><text x="${box.x + box.width / 2}" y="${box.y + 100 + index * 40}" text-anchor="middle" fill="#666">${escape(name)}</text>`)
    return `<g>${frame}${lines.join('')}</g>`
  }
  const plot = { x: box.x + 58, y: box.y + 32, width: box.width - 70, height: box.height - 72 }
  const top = max ?? (Math.max(0, ...answers.flatMap(({ points }) => points.map(([, value]) => value))) * 1.1 || 1)
  const grid = [0, 0.5, 1].map(part => `<line x1="${plot.x}" x2="${plot.x + plot.width}" y1="${round(plot.y + plot.height * (1 - part))}" y2="${round(plot.y + plot.height * (1 - part))}" stroke="#e5e5e5"/><text x="${plot.x - 6}" y="${round(plot.y + plot.height * (1 - part) + 4)}" text-anchor="end" fill="#888" font-size="10">${format(top * part, unit)}</text>`)
  const lines = answers.map(({ points }, index) => `<polyline fill="none" stroke="${COLOURS[index % COLOURS.length]}" stroke-width="1.5" points="${points.map(([x, value]) => `${round(plot.x + x * plot.width)},${round(plot.y + plot.height * (1 - Math.min(1, value / top)))}`).join(' ')}"/>`)
  const legend = answers.map(({ name }, index) => `<tspan fill="${COLOURS[index % COLOURS.length]}"> ■ </tspan><tspan>${escape(name)}</tspan>`)
  return `<g>${frame}${grid.join('')}${lines.join('')}<text x="${box.x + 8}" y="${box.y + box.height - 12}" fill="#555" font-size="10">${legend.join('')}</text></g>`
}

function format (value, unit) {
  if (unit === 's') return value >= 86400 ? `${round(value / 86400)} days` : value >= 1 || value === 0 ? `${round(value)} s` : `${round(value * 1000)} ms`
  if (unit === 'bytes') return `${Math.round(value / 1048576)} MiB`
  if (unit === 'percentunit') return `${Math.round(value * 100)} %`
  return unit === 'reqps' ? `${round(value)}/s` : String(value < 1 ? Math.round(value * 100) / 100 : round(value))
}

function round (value) {
  return Math.round(value * 10) / 10
}

function escape (text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
