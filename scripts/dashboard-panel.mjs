// One panel of the picture of the dashboard, as SVG: axes with round values and
// their unit, lines in the colours that Grafana would give them, and a legend
// that stays within the panel.
const PALETTE = ['#8f3bb8', '#1f9e9e', '#e0b400', '#3274d9', '#fa6400', '#37872d', '#7a7a7a', '#e02f44']
const FIXED = { green: '#37872d', blue: '#3274d9', red: '#e02f44', orange: '#fa6400' }

/** Of Grafana's grid, in pixels. */
export const CELL = { width: 46, height: 24 }

/** Of a letter of the legend, with some to spare: there is no font to measure. */
const LETTER = 6
const LEGEND_LINE = 14

/**
 * @param answers `{ name, points }`: a point is how far into the time of the panel, from 0 to 1, and the value
 * @param seconds that the panel shows
 */
export function draw (panel, answers, seconds) {
  const { title, type, gridPos } = panel
  const box = { x: gridPos.x * CELL.width + 4, y: gridPos.y * CELL.height + 4, width: gridPos.w * CELL.width - 8, height: gridPos.h * CELL.height - 8 }
  if (type === 'row') return `<text x="${box.x + 10}" y="${box.y + 13}" font-weight="bold" fill="#333">${escape(title)}</text>`
  const frame = `<rect x="${box.x}" y="${box.y}" width="${box.width}" height="${box.height}" rx="3" fill="#fff" stroke="#d8d9da"/><text x="${box.x + 10}" y="${box.y + 20}" font-weight="bold" fill="#333">${escape(title)}</text>`
  return `<g>${frame}${type === 'stat' ? drawValues(panel, answers, box) : drawLines(panel, answers, box, seconds)}</g>`
}

function drawValues ({ fieldConfig: { defaults: { unit } } }, answers, box) {
  return answers.map(({ name, points }, index) => {
    const [x, y] = [box.x + box.width / 2, box.y + 80 + index * 40]
    return `<text x="${x}" y="${y}" text-anchor="middle" font-size="24" fill="#37872d">${format(points.at(-1)[1], unit)}</text><text x="${x}" y="${y + 20}" text-anchor="middle" fill="#666">${escape(name)}</text>`
  }).join('')
}

function drawLines ({ fieldConfig: { defaults: { unit, max, custom }, overrides } }, answers, box, seconds) {
  const legend = layOut(answers.map(({ name }) => name), box.width - 20)
  const rows = Math.max(1, ...legend.map(({ row }) => row + 1))
  const plot = { x: box.x + 74, y: box.y + 32, width: box.width - 86, height: box.height - 60 - rows * LEGEND_LINE }
  const { top, step } = max === undefined ? scale(Math.max(0, ...answers.flatMap(({ points }) => points.map(([, value]) => value))), unit) : { top: max, step: max / 2 }
  const colour = index => FIXED[fixedColour(overrides, answers[index].name)] ?? PALETTE[index % PALETTE.length]
  const y = value => round(plot.y + plot.height * (1 - Math.min(1, value / top)))
  const [bottom, middle] = [plot.y + plot.height, plot.y + plot.height / 2]
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => index * step).map(value =>
    `<line x1="${plot.x}" x2="${plot.x + plot.width}" y1="${y(value)}" y2="${y(value)}" stroke="#e5e5e5"/><text x="${plot.x - 6}" y="${round(y(value) + 4)}" text-anchor="end" fill="#666" font-size="10">${format(value, unit)}</text>`)
  const label = `<text transform="translate(${box.x + 14} ${round(middle)}) rotate(-90)" text-anchor="middle" fill="#666" font-size="10">${escape(custom.axisLabel)}</text>`
  const times = [0, 0.5, 1].map(part => `<text x="${round(plot.x + part * plot.width)}" y="${round(bottom + 14)}" text-anchor="${part === 1 ? 'end' : 'middle'}" fill="#666" font-size="10">${part === 1 ? 'now' : `\u2212${round(seconds * (1 - part))} s`}</text>`)
  const lines = answers.map(({ points }, index) => `<polyline fill="none" stroke="${colour(index)}" stroke-width="1.5" points="${points.map(([x, value]) => `${round(plot.x + x * plot.width)},${y(value)}`).join(' ')}"/>`)
  const names = legend.map(({ name, x, row }, index) => {
    const at = { x: box.x + 10 + x, y: round(bottom + 30 + row * LEGEND_LINE) }
    return `<rect x="${at.x}" y="${at.y - 8}" width="9" height="9" fill="${colour(index)}"/><text x="${at.x + 13}" y="${at.y}" fill="#333" font-size="10">${escape(name)}</text>`
  })
  return [...ticks, label, ...times, ...lines, ...names].join('')
}

/** Names from left to right, and in a further row where one is full. */
function layOut (names, width) {
  let [x, row] = [0, 0]
  return names.map(name => {
    const needed = 24 + name.length * LETTER
    if (x > 0 && x + needed > width) [x, row] = [0, row + 1]
    const place = { name, x, row }
    x += needed
    return place
  })
}

/** The end of an axis, and the step of its lines: 1, 2 or 5 times a power of ten, of bytes in MiB. */
function scale (most, unit) {
  const factor = unit === 'bytes' ? 1048576 : 1
  const rough = (most / factor || 1) / 3
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map(times => times * power).find(step => step >= rough) * factor
  return { top: Math.ceil((most || factor) / step) * step, step }
}

function fixedColour (overrides, name) {
  return overrides.find(({ matcher }) => matcher.options === name)?.properties.find(({ id }) => id === 'color')?.value.fixedColor
}

function format (value, unit) {
  if (unit === 's') return value >= 86400 ? `${round(value / 86400)} days` : value >= 1 || value === 0 ? `${round(value)} s` : `${round(value * 1000)} ms`
  if (unit === 'bytes') return `${Math.round(value / 1048576)} MiB`
  if (unit === 'percentunit') return `${Math.round(value * 100)} %`
  if (unit === 'bool_yes_no') return value === 0 ? 'No' : 'Yes'
  const number = String(value < 1 ? Math.round(value * 1000) / 1000 : round(value))
  return unit === 'reqps' ? `${number}/s` : number
}

function round (value) {
  return Math.round(value * 10) / 10
}

function escape (text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
