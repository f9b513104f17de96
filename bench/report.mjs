// The tables that a run prints.
import { summary } from './statistics.mjs'
import { series } from './bars.mjs'

/** What is told of each kind of work: `[figure, heading, digits]`. */
const FIGURES = [
  ['perSecond', 'reviews/s', 0],
  ['processorTime', 'µs of processor a review', 1],
  ['busy', 'of a processor', 2]
]

export function figureTables (samples) {
  const works = [...new Set(samples.map(({ work }) => work))]
  return works.map(work => {
    const of = samples.filter(sample => sample.work === work)
    const subjects = [...new Set(of.map(({ subject }) => subject))]
    const figures = FIGURES.filter(([figure]) => of.some(sample => sample[figure] !== undefined))
    const rows = subjects.map(subject => [subject, ...figures.map(([figure, , digits]) => spread(series(of, work, subject, figure), digits))])
    return table([work, ...figures.map(([, heading]) => heading)], rows)
  }).join('\n\n')
}

export function barTable (bars) {
  return table(['work', 'measured', 'ratio', 'bar', ''], bars.map(({ work, figure, of, to, median, least, most, atLeast, atMost, digits = 2, verdict = '' }) => [
    work,
    `${figure} of ${of}${to === undefined ? '' : ` ÷ ${to}`}`,
    `${median.toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`,
    atLeast === undefined ? atMost === undefined ? '' : `≤ ${round(atMost)}` : `≥ ${round(atLeast)}`,
    verdict
  ]))
}

/** `median (least to most)` */
function spread (values, digits) {
  if (values.length === 0) return ''
  const { median, least, most } = summary(values)
  if (values.length === 1) return median.toFixed(digits)
  return `${median.toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`
}

function round (value) {
  return String(Number(value.toFixed(3)))
}

function table (head, rows) {
  const widths = head.map((heading, column) => Math.max(heading.length, ...rows.map(row => row[column].length)))
  const line = cells => cells.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd()
  return [line(head), widths.map(width => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n')
}
