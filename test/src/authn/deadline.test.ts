import { test } from 'tap'
import { UnavailableError } from '../../../src/errors.js'
import { Deadline } from '../../../src/authn/deadline.js'

const never = new Promise<never>(() => {})
const outOfTime = new UnavailableError('deadline')

test('a budget shrinks', async (t) => {
  const deadline = new Deadline(1000)
  const before = deadline.remaining
  t.ok(before > 0 && before <= 1000)
  await new Promise(resolve => { setTimeout(resolve, 5) })
  t.ok(deadline.remaining < before)
  t.ok(new Deadline(0).remaining <= 0)
  t.ok(new Deadline(-5).remaining < 0)
})

test('a race', async (t) => {
  t.test('gives what the work gives', async (t) => {
    t.equal(await new Deadline(1000).race(Promise.resolve('alice')), 'alice')
    await t.rejects(new Deadline(1000).race(Promise.reject(new Error('refused'))), new Error('refused'))
  })

  t.test('ends with the budget', async (t) => {
    await t.rejects(new Deadline(5).race(never), outOfTime)
  })

  t.test('is lost at once when nothing is left', async (t) => {
    await t.rejects(new Deadline(0).race(Promise.resolve('too late')), outOfTime)
  })

  t.test('is not lost at once when there is more than a timer can hold', async (t) => {
    const work = new Promise<string>(resolve => { setTimeout(resolve, 20, 'alice') })
    t.equal(await new Deadline(2 ** 31).race(work), 'alice')
    t.equal(await new Deadline(Infinity).race(Promise.resolve('bob')), 'bob')
  })

  t.test('sets no timer that outlives it', async (t) => {
    const timers = (): number => process.getActiveResourcesInfo().filter(resource => resource === 'Timeout').length
    const before = timers()
    await new Deadline(60_000).race(Promise.resolve('alice'))
    t.equal(timers(), before)
  })

  t.test('leaves a late rejection to nobody', async (t) => {
    const unhandled: unknown[] = []
    const listener = (reason: unknown): void => { unhandled.push(reason) }
    process.on('unhandledRejection', listener)
    t.teardown(() => process.off('unhandledRejection', listener))
    for (const budget of [0, 2]) {
      let fail!: (error: Error) => void
      const late = new Promise<never>((_resolve, reject) => { fail = reject })
      await t.rejects(new Deadline(budget).race(late), outOfTime)
      // nothing here may handle it
      fail(new Error('late'))
      await new Promise(resolve => { setImmediate(resolve) })
    }
    t.same(unhandled, [])
  })
})
