import { test } from 'tap'
import { CommandError, FaultsError, linesOf, MAX_FAULTS } from '../../src/errors.js'

const faults = (count: number): FaultsError => new FaultsError('users.yaml', Array.from({ length: count }, (_, index) => ({ path: `users[${index}]`, message: 'is wrong' })))

test('what a person is told of an error, a line each', async t => {
  for (const [what, error, lines] of [
    ['words', new CommandError('out of reach'), ['out of reach']],
    ['words with a line break, which is for the terminal to escape', new Error('a\nb'), ['a\nb']],
    ['faults', faults(2), ['users.yaml: users[0]: is wrong', 'users.yaml: users[1]: is wrong']],
    ['words that end with a fault', new CommandError(`no: ${faults(1).message}`, undefined, { cause: faults(1) }), ['no: users.yaml: users[0]: is wrong']],
    ['words that end with faults', new CommandError(`no: ${faults(2).message}`, undefined, { cause: faults(2) }), ['no:', 'users.yaml: users[0]: is wrong', 'users.yaml: users[1]: is wrong']],
    ['words that tell less than their cause', new CommandError('no', undefined, { cause: faults(2) }), ['no']]
  ] as const) t.strictSame(linesOf(error), lines, what)
})

test('of very many faults the first ones are told', async t => {
  t.equal(faults(MAX_FAULTS).faults.length, MAX_FAULTS)
  const error = faults(MAX_FAULTS + 1)
  t.equal(error.faults.length, MAX_FAULTS + 1)
  t.match(error.message, /users\[999\]: is wrong\nusers\.yaml: more than 1000 errors; fix these first$/)
})
