/** What the benchmark concludes from its figures; that its parts run, `npm run bench -- --smoke` shows. */
import { readFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { join } from 'node:path'
import { test } from 'tap'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const load = async (name: string): Promise<any> => await import(pathToFileURL(join(ROOT, 'bench', name)).href)

test('the service is measured as it is started', async t => {
  const { SERVICE_OPTIONS, SERVICE_ENV } = await load('options.mjs')
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
  for (const option of SERVICE_OPTIONS) {
    t.match(scripts.start, ` ${option} `, `npm start has ${option}`)
    t.match(dockerfile, `"${option}"`, `the image has ${option}`)
  }
  t.equal(scripts.start.match(/ --[a-z-]+/g).length, SERVICE_OPTIONS.length + 1, 'npm start has no further ones but --demo')
  for (const [name, value] of Object.entries(SERVICE_ENV)) {
    t.match(scripts.start, `${name}=${value} `)
    t.match(dockerfile, `ENV ${name}=${value}\n`)
  }
})

test('the picture is drawn of the latest figures, and says which are good', async t => {
  const { plot } = await load('plot.mjs')
  const { samples, run } = JSON.parse(readFileSync(join(ROOT, 'bench/results/latest.json'), 'utf8'))
  const picture = readFileSync(join(ROOT, 'docs/performance.svg'), 'utf8')
  t.equal(picture, plot(samples, run), 'else run node bench/plot.mjs')
  const titles = [...picture.matchAll(/<text class="title".*?<\/text>/g)].map(([title]) => title)
  t.equal(titles.length, 5)
  t.strictSame(titles.filter(title => !/\((higher|lower) is better\)/.test(title)), [])
  t.match(picture, /from its cache[^<]*bcrypt hashes at every review/, 'a warm cache beside bcrypt is no fair race')
})

test('a bar is missed by more than half of what lies between the rounds', async t => {
  const { judge } = await load('bars.mjs')
  const cases: ReadonlyArray<{ name: string, ours: number[], theirs: number[], bar: object, verdict: string | undefined }> = [
    { name: 'faster than wanted', ours: [130, 140, 150], theirs: [100, 100, 100], bar: { atLeast: 1.3 }, verdict: 'reached' },
    { name: 'exactly as fast', ours: [130, 130, 130], theirs: [100, 100, 100], bar: { atLeast: 1.3 }, verdict: 'reached' },
    { name: 'slower, in rounds that differ by more', ours: [120, 125, 140], theirs: [100, 100, 100], bar: { atLeast: 1.3 }, verdict: 'within the noise' },
    { name: 'slower, in rounds that agree', ours: [120, 121, 122], theirs: [100, 100, 100], bar: { atLeast: 1.3 }, verdict: 'missed' },
    { name: 'slower, in a round that disturbed both', ours: [60, 120, 120], theirs: [50, 100, 100], bar: { atLeast: 1.3 }, verdict: 'missed' },
    { name: 'less than allowed', ours: [140, 140, 140], theirs: [100, 100, 100], bar: { atMost: 1.5 }, verdict: 'reached' },
    { name: 'more than allowed', ours: [160, 160, 160], theirs: [100, 100, 100], bar: { atMost: 1.5 }, verdict: 'missed' },
    { name: 'no bar', ours: [1, 1, 1], theirs: [100, 100, 100], bar: {}, verdict: undefined }
  ]
  for (const { name, ours, theirs, bar, verdict } of cases) {
    const samples = [['ours', ours], ['theirs', theirs]].flatMap(([subject, values]) =>
      (values as number[]).map((speed, round) => ({ work: 'work', subject, round, speed })))
    const [judged] = judge(samples, [{ work: 'work', figure: 'speed', of: 'ours', to: 'theirs', ...bar }])
    t.equal(judged.verdict, verdict, name)
  }
})

test('a figure by itself is held against its bar, and one that was not measured against none', async t => {
  const { judge } = await load('bars.mjs')
  const bars = [{ work: 'work', figure: 'bytes', of: 'ours', atMost: 1000 }, { work: 'other work', figure: 'bytes', of: 'ours', atMost: 1000 }]
  const judged = judge([{ work: 'work', subject: 'ours', round: 0, bytes: 2000 }], bars)
  t.strictSame(judged.map(({ work, verdict }: { work: string, verdict: string }) => [work, verdict]), [['work', 'missed']])
})

test('statistics', async t => {
  const { median, percentile, ratios, summary } = await load('statistics.mjs')
  t.equal(median([3, 1, 2]), 2)
  t.equal(median([4, 1, 2, 3]), 2.5)
  t.strictSame(summary([3, 1, 2]), { median: 2, least: 1, most: 3, noise: 1 })
  t.strictSame(ratios([2, 9], [1, 3]), [2, 3], 'round by round')
  t.throws(() => ratios([1], [1, 2]), 'rounds that have no counterpart')
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1)
  t.strictSame([50, 99, 99.9, 100].map(percent => percentile(hundred, percent)), [50, 99, 100, 100])
})

test('a leak is what one review in a hundred leaves in the heap', async t => {
  const { compareHeaps, countByConstructor } = await load('heap.mjs')
  // two fields a node beside its name: its type, and its size
  const heapOf = (nodes: number[][]): unknown => countByConstructor({
    snapshot: { meta: { node_fields: ['type', 'name', 'self_size'], node_types: [['object', 'string'], 'string', 'number'] } },
    nodes: nodes.flat(),
    strings: ['Review', 'Deadline', 'some text', 'another text']
  })
  const review = [0, 0, 100]
  const deadline = [0, 1, 50]
  const before = heapOf([review, deadline, [1, 2, 10]])
  const after = heapOf([review, ...Array.from({ length: 20 }, () => deadline), [1, 2, 10], [1, 3, 10]])
  t.strictSame(compareHeaps(before, after, 1000), [['object Deadline', 19]])
  t.strictSame(compareHeaps(before, after, 10_000), [])
})
