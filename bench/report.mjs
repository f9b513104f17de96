// The tables that a run prints.
import { series } from './bars.mjs'
import { median, summary } from './statistics.mjs'

/** What is told of each kind of work: `[figure, heading, digits, divisor]`. */
const FIGURES = [
  ['perSecond', 'reviews/s', 0],
  ['processorTime', 'µs of processor a review', 1],
  ['busy', 'processors in use', 2],
  ['p50', 'p50 in ms', 2],
  ['p90', 'p90', 2],
  ['p99', 'p99', 2],
  ['p999', 'p99.9', 2],
  ['lateness', 'sent late, p99', 2],
  ['bytes', 'bytes with style sheet and script', 0],
  ['bytesPerToken', 'bytes a token', 0],
  ['reload', 's to reload', 1],
  ['peak', 'MB resident at most', 0],
  ['start', 'ms to the first answer', 0],
  ['call', 'ms a call', 0],
  ['resident', 'MB resident', 1, 1e6],
  ['growth', 'last quarter ÷ the one before', 3],
  ['leaks', 'kinds of objects that became more', 0]
]

export function figureTables (samples) {
  const works = [...new Set(samples.map(({ work }) => work))]
  return works.map(work => {
    const of = samples.filter(sample => sample.work === work)
    const subjects = [...new Set(of.map(({ subject }) => subject))]
    const figures = FIGURES.filter(([figure]) => of.some(sample => sample[figure] !== undefined))
    const rows = subjects.map(subject => [subject, ...figures.map(([figure, , digits, divisor = 1]) => spread(series(of, work, subject, figure).map(value => value / divisor), digits))])
    return table([work, ...figures.map(([, heading]) => heading)], rows)
  }).join('\n\n')
}

export function barTable (bars) {
  return table(['work', 'what is compared', 'median (least to most)', 'bar', ''], bars.map(bar => [bar.work, comparison(bar), range(bar), limitOf(bar), bar.verdict ?? '']))
}

export function comparison ({ figure, of, to }) {
  return `${figure} of ${of}${to === undefined ? '' : ` ÷ ${Array.isArray(to) ? `(${to.join(' + ')})` : to}`}`
}

/** How quiet the machine was. */
export function quietness (samples) {
  const foreign = samples.map(sample => sample.foreign).filter(part => part !== undefined).map(part => part * 100)
  if (foreign.length === 0) return ''
  return `Others used ${median(foreign).toFixed(1)} % of the two processors (median), ${Math.max(...foreign).toFixed(1)} % in the worst window.`
}

function limitOf ({ atLeast, atMost }) {
  const round = value => String(Number(value.toFixed(3)))
  if (atLeast !== undefined) return `≥ ${round(atLeast)}`
  return atMost === undefined ? '' : `≤ ${round(atMost)}`
}

function spread (values, digits) {
  if (values.length === 0) return ''
  return values.length === 1 ? values[0].toFixed(digits) : range(summary(values), digits)
}

function range ({ median, least, most }, digits = median >= 100 ? 0 : 2) {
  return `${median.toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`
}

function table (head, rows) {
  const widths = head.map((heading, column) => Math.max(heading.length, ...rows.map(row => row[column].length)))
  const line = cells => cells.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd()
  return [line(head), widths.map(width => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n')
}
