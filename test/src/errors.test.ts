import { test } from 'tap'
import { CommandError } from '../../src/cli/command-error.js'
import { ValidationError, codeOf, linesOf, MAX_ERRORS, messageOf } from '../../src/errors.js'

const errors = (count: number): ValidationError => new ValidationError('users.yaml', Array.from({ length: count }, (_, index) => ({ path: `users[${index}]`, message: 'is wrong' })))

test('what a person is told of an error, a line each', async t => {
  for (const [what, error, lines] of [
    ['words', new CommandError('out of reach'), ['out of reach']],
    ['words with a line break, which is for the terminal to escape', new Error('a\nb'), ['a\nb']],
    ['errors', errors(2), ['users.yaml: users[0]: is wrong', 'users.yaml: users[1]: is wrong']],
    ['words that end with an error', new CommandError(`no: ${errors(1).message}`, undefined, { cause: errors(1) }), ['no: users.yaml: users[0]: is wrong']],
    ['words that end with errors', new CommandError(`no: ${errors(2).message}`, undefined, { cause: errors(2) }), ['no:', 'users.yaml: users[0]: is wrong', 'users.yaml: users[1]: is wrong']],
    ['words that tell less than their cause', new CommandError('no', undefined, { cause: errors(2) }), ['no']]
  ] as const) t.strictSame(linesOf(error), lines, what)
})

test('of very many errors the first ones are told', async t => {
  t.equal(errors(MAX_ERRORS).errors.length, MAX_ERRORS)
  const error = errors(MAX_ERRORS + 1)
  t.equal(error.errors.length, MAX_ERRORS + 1)
  t.match(error.message, /users\[999\]: is wrong\nusers\.yaml: more than 1000 errors; fix these first$/)
})

test('the message and the code of whatever was thrown', async t => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 192.0.2.1:443'), { code: 'ECONNREFUSED' })
  // as of a host with several addresses: Node leaves the message empty
  const everywhere = Object.assign(new AggregateError([refused, new Error('connect ETIMEDOUT 192.0.2.2:443')]), { code: 'ECONNREFUSED' })
  for (const [what, thrown, message, code] of [
    ['an error', new Error('no'), 'no', undefined],
    ['an error of Node.js', refused, 'connect ECONNREFUSED 192.0.2.1:443', 'ECONNREFUSED'],
    ['several at once', everywhere, 'connect ECONNREFUSED 192.0.2.1:443, connect ETIMEDOUT 192.0.2.2:443', 'ECONNREFUSED'],
    ['several with a message', new AggregateError([refused], 'all failed'), 'all failed', undefined],
    ['a code that is a number', Object.assign(new Error('no'), { code: 32 }), 'no', undefined],
    ['a text', 'no', 'no', undefined],
    ['nothing', undefined, 'undefined', undefined]
  ] as const) t.strictSame([messageOf(thrown), codeOf(thrown)], [message, code], what)
})
