import { test } from 'tap'
import { estimateTokenBits, whyUnpresentable } from '../../../src/authn/token-strength.js'

test('no more bits than length and characters can hold', async t => {
  const cases: Array<[what: string, token: string, bits: number]> = [
    ['nothing', '', 0],
    ['digits', '0'.repeat(30), 99],
    ['hexadecimal digits', '0a'.repeat(16), 128],
    ['hexadecimal digits in capitals', '0A'.repeat(16), 128],
    ['a UUID, whose hyphens tell nothing', '3fa85f64-5717-4562-b3fc-2c963f66afa6', 128],
    ['small letters', 'xyz0'.repeat(5), 103],
    ['capitals', 'XYZ0'.repeat(5), 103],
    ['letters of both kinds', 'xYz0'.repeat(5), 120],
    ['base64', 'x+/='.repeat(5), 120],
    ['base64url, without its hyphens', 'xY_-'.repeat(5), 90],
    ['parts with dots', 'aB.cD'.repeat(4), 120],
    ['anything else', 'x!'.repeat(10), 131],
    ['a letter beyond ASCII', 'xé'.repeat(10), 131]
  ]
  for (const [what, token, bits] of cases) t.equal(estimateTokenBits(token), bits, what)
})

test('a token that no header can carry', async t => {
  for (const token of ['!', '~', 'a', 'a.b-c_d~e+f/g==', '"\'<>']) t.equal(whyUnpresentable(token), undefined, token)
  t.match(whyUnpresentable(''), /empty/)
  for (const token of [' ', 'a b', 'a ', ' a', 'a\tb', 'a\n', '\x7f', 'é', '\0']) t.match(whyUnpresentable(token), /white space/, JSON.stringify(token))
})
