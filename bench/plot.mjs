// The picture for docs/performance.md: an SVG with a dot for each round and a bar
// to their median, readable on light and on dark pages, with no font of its own.
//
// usage: node bench/plot.mjs      draws it again, from results/latest.json
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { series } from './bars.mjs'
import { median } from './statistics.mjs'

const WIDTH = 760
const LEFT = 190
const RIGHT = 120
const ROW = 24
const BAR = 14
const TITLE = 46
const NOTE = 18

const PANELS = [
  { title: 'HTTP/2, one connection: reviews per second of CPU time', better: 'higher', work: 'opaque, h2 × 1', figure: 'speed', subjects: ['limit', 'service', 'go, 1 processor', 'limit, Node 24', 'service, Node 24'] },
  { title: 'HTTP/1.1, 32 connections: reviews per second of CPU time', better: 'higher', work: 'opaque, h1 × 32', figure: 'speed', subjects: ['go, 1 processor', 'limit', 'service', 'express', 'limit, Node 24', 'service, Node 24'] },
  {
    title: 'The same password again: reviews per second of CPU time',
    better: 'higher',
    note: 'Not the same work: the service answers repeats from its cache, bcrypt hashes at every review.',
    work: 'passwords, h2 × 1',
    figure: 'speed',
    subjects: ['service', 'bcrypt']
  },
  { title: 'At 1,000 reviews/s: 99th percentile of the time to answer, in ms', better: 'lower', work: '1000 reviews/s', figure: 'p99', digits: 2, subjects: ['limit', 'service', 'go, 1 processor'] },
  { title: 'Resident memory after 1,000,000 reviews, in MB', better: 'lower', work: 'resident memory', figure: 'resident', divisor: 1e6, subjects: ['service', 'fastify'] }
]

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600 }
  .note { font-size: 11px; fill: #57606a }
  .bar { fill: #9bb3cc }
  .ours { fill: #2f7dd1 }
  .dot { fill: #24292f; fill-opacity: .55 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .note { fill: #9198a1 }
    .bar { fill: #4a5f78 }
    .ours { fill: #4493f8 }
    .dot { fill: #e6edf3; fill-opacity: .6 }
  }`

export function plot (samples, { date, machine, versions }) {
  let y = 0
  const drawn = PANELS.map(panel => {
    const { height, content } = draw(panel, samples)
    const placed = `<g transform="translate(0 ${y})">${content}</g>`
    y += height
    return placed
  })
  const notes = [
    'Each dot is a round, each bar the median.',
    `${date}, ${machine.processor}, server and load on a processor each; Node.js ${versions.node} and ${versions.node24}, ${versions.go}.`
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 46}" role="img" aria-label="authn-webhook beside its peers">
<style>${STYLE}
</style>
${drawn.join('\n')}
${notes.map((note, line) => `<text class="note" x="8" y="${y + 18 + line * 16}">${escape(note)}</text>`).join('\n')}
</svg>
`
}

function draw ({ title, better, note, work, figure, subjects, divisor = 1, digits = 0 }, samples) {
  const rows = subjects
    .map(subject => ({ subject, values: series(samples, work, subject, figure).map(value => value / divisor) }))
    .filter(({ values }) => values.length > 0)
  const most = Math.max(...rows.flatMap(({ values }) => values))
  const x = value => LEFT + value / most * (WIDTH - LEFT - RIGHT)
  const head = note === undefined ? TITLE : TITLE + NOTE
  const content = rows.map(({ subject, values }, row) => {
    const y = head - 10 + row * ROW
    const middle = median(values)
    return [
      `<text x="${LEFT - 8}" y="${y + BAR - 2}" text-anchor="end">${escape(subject)}</text>`,
      `<rect class="${subject.startsWith('service') ? 'ours' : 'bar'}" x="${LEFT}" y="${y}" width="${(x(middle) - LEFT).toFixed(1)}" height="${BAR}" rx="2"/>`,
      ...values.map(value => `<circle class="dot" cx="${x(value).toFixed(1)}" cy="${y + BAR / 2}" r="2"/>`),
      `<text x="${(x(Math.max(...values)) + 8).toFixed(1)}" y="${y + BAR - 2}">${middle.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })}</text>`
    ].join('')
  })
  const words = [
    `<text class="title" x="8" y="24">${escape(title)} <tspan class="note">(${better} is better)</tspan></text>`,
    ...note === undefined ? [] : [`<text class="note" x="8" y="42">${escape(note)}</text>`]
  ]
  return { height: head + rows.length * ROW, content: [...words, ...content].join('') }
}

function escape (text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { samples, run } = JSON.parse(readFileSync(new URL('results/latest.json', import.meta.url), 'utf8'))
  writeFileSync(new URL('../docs/performance.svg', import.meta.url), plot(samples, run))
}
