// Draws docs/dashboard.svg: the panels of the chart's Grafana dashboard, with
// what a real Prometheus answers to their own expressions after a few minutes of
// a real service under mixed load. It is no screenshot of Grafana; it shows
// which panels there are, and that each of them has something to show.
//
// usage: npm run build && PROMETHEUS=/path/of/prometheus node scripts/dashboard-picture.mjs [SECONDS]
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { CELL, draw } from './dashboard-panel.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CLI = join(ROOT, 'dist/src/cli/main.js')
const SECONDS = Number(process.argv[2] ?? 180)
const [PORT, ADMIN, LOGIN, PROMETHEUS_PORT] = [18443, 19443, 18444, 19090]

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
  for (const panel of dashboard.panels) drawn.push(draw(panel, await series(panel, end - SECONDS, end), SECONDS))
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
  type('keys', 'add', '--dir', 'keys')
  const [key] = readdirSync(join(dir, 'keys')).filter(name => name.endsWith('.key'))
  type('users', 'add', 'bob', '--uid', '1002', '--group', 'developers', '--password-file', '-')
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
    sharedNames: true,
    login: {
      issuer: 'https://login.example.com',
      host: '127.0.0.1',
      port: LOGIN,
      trustedProxies: ['127.0.0.1'],
      maxAttemptsPerMinute: 100_000,
      signingKeys: [{ keyFile: `keys/${key}`, certFile: `keys/${key.replace('.key', '.crt')}` }],
      clients: ['production', 'staging'].map(id => ({ id, grants: ['password'] }))
    }
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
  const signIn = (client, password) => {
    fetch(`http://127.0.0.1:${LOGIN}/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'password', client_id: client, scope: 'openid', username: 'bob', password }) }).then(response => response.text()).catch(() => {})
  }
  const basic = (username, password) => Buffer.from(`${username}:${password}`).toString('base64')
  for (let tick = 0; tick < SECONDS * 10; tick++) {
    const wave = 1 + Math.sin(tick / 150)
    for (let i = 0; i < 4 * wave; i++) ask(token)
    for (let i = 0; i < 2 * wave; i++) ask(`directory-user-${Math.floor(Math.random() * 80)}`)
    if (tick % 5 === 0) ask(basic('bob', 'correct horse battery staple'))
    if (tick % 10 === 0) signIn(tick % 30 === 0 ? 'staging' : 'production', tick % 50 === 0 ? `typo-${tick}` : 'correct horse battery staple')
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
