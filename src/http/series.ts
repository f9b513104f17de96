/**
 * Counters and histograms of up to two labels, as prom-client's registry reads
 * them. Its own handle an object of labels at every count; these look a series up
 * by the labels' values, and make objects when they are scraped.
 */
import type { Metric, MetricObjectWithValues, MetricValue, Registry } from 'prom-client'

export interface SeriesOptions {
  readonly name: string
  readonly help: string
  /** One or two. */
  readonly labelNames: readonly string[]
  readonly registry: Registry
}

/** Series by the values of their first and second label. */
class SeriesTable<T> {
  readonly #labelNames: readonly string[]
  readonly #create: () => T
  readonly #rows = new Map<string, Map<string, T>>()

  constructor (labelNames: readonly string[], create: () => T) {
    this.#labelNames = labelNames
    this.#create = create
  }

  at (first: string, second: string): T {
    let row = this.#rows.get(first)
    if (row === undefined) this.#rows.set(first, row = new Map())
    let series = row.get(second)
    if (series === undefined) row.set(second, series = this.#create())
    return series
  }

  * entries (): Iterable<[Record<string, string>, T]> {
    const [first, second] = this.#labelNames
    for (const [a, row] of this.#rows) {
      for (const [b, series] of row) yield [second === undefined ? { [first!]: a } : { [first!]: a, [second]: b }, series]
    }
  }
}

export class Counter {
  readonly #series: SeriesTable<{ value: number }>

  constructor ({ labelNames, ...options }: SeriesOptions) {
    this.#series = new SeriesTable(labelNames, () => ({ value: 0 }))
    register(options, 'counter', () => [...this.#series.entries()].map(([labels, { value }]) => ({ labels, value })))
  }

  inc (first: string, second = '', by = 1): void {
    this.#series.at(first, second).value += by
  }
}

interface Distribution {
  /** Of each bucket alone, the last without a limit. */
  readonly counts: number[]
  sum: number
}

export class Histogram {
  readonly #name: string
  readonly #buckets: readonly number[]
  readonly #series: SeriesTable<Distribution>

  /** @param options `buckets`: upper limits in ascending order */
  constructor ({ labelNames, buckets, ...options }: SeriesOptions & { readonly buckets: readonly number[] }) {
    this.#name = options.name
    this.#buckets = buckets
    this.#series = new SeriesTable(labelNames, () => ({ counts: new Array<number>(buckets.length + 1).fill(0), sum: 0 }))
    register(options, 'histogram', () => [...this.#series.entries()].flatMap(([labels, series]) => this.#samples(labels, series)))
  }

  observe (value: number, first: string, second = ''): void {
    const series = this.#series.at(first, second)
    let bucket = 0
    while (bucket < this.#buckets.length && value > this.#buckets[bucket]!) bucket++
    series.counts[bucket]!++
    series.sum += value
  }

  #samples (labels: Record<string, string>, { counts, sum }: Distribution): Array<MetricValue<string> & { metricName: string }> {
    let count = 0
    const buckets = counts.map((own, i) => {
      count += own
      return { metricName: `${this.#name}_bucket`, labels: { le: this.#buckets[i] ?? '+Inf', ...labels }, value: count }
    })
    return [...buckets, { metricName: `${this.#name}_sum`, labels, value: sum }, { metricName: `${this.#name}_count`, labels, value: count }]
  }
}

function register ({ name, help, registry }: Omit<SeriesOptions, 'labelNames'>, type: 'counter' | 'histogram', values: () => Array<MetricValue<string>>): void {
  // all that the registry asks of a metric is its name and what it has to say
  const metric = { name, get: async () => ({ name, help, type, values: values(), aggregator: 'sum' }) as unknown as MetricObjectWithValues<MetricValue<string>> }
  registry.registerMetric(metric as unknown as Metric)
}
