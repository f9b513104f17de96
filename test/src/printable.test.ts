import fc from 'fast-check'
import { load } from 'js-yaml'
import { test } from 'tap'
import { escapeJson, escapeLine, escapeLines, escapeTexts } from '../../src/printable.js'
import { formatYaml } from '../../src/printable-yaml.js'
import { holds } from '../fixtures/property.js'

const lines: Array<[text: string, shown: string]> = [
  ['zoë 愛理 🚀 a\u00a0b \\n', 'zoë 愛理 🚀 a\u00a0b \\n'],
  ['\u001b[2J', '\\u001b[2J'],
  ['a\tb\r\nc', 'a\\tb\\r\\nc'],
  ['\u009b31m', '\\u009b31m'],
  ['\u202egnp', '\\u202egnp'],
  ['a\u2028b\u3164', 'a\\u2028b\\u3164'],
  ['\u{e0061}', '\\u{e0061}'],
  ['\ud800', '\\ud800']
]

test('what a terminal obeys or hides is written as escapes', async t => {
  for (const [text, shown] of lines) t.equal(escapeLine(text), shown)
  t.equal(escapeLines('two\nlines\u0007\n'), 'two\nlines\\u0007\n')
})

const RAW = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.array(fc.constantFrom('a', ' ', '\n', '\t', '"', '\\', ': ', '# ', '- ', ...lines.map(([text]) => text))).map(parts => parts.join('')))
const value = fc.letrec(tie => ({
  value: fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(text, tie('value'), { maxKeys: 3 }))
}))['value']

test('no text is left raw', async t => {
  holds(t, fc.property(text, text => !/\n/.test(escapeLine(text)) && !RAW.test(escapeLine(text)) && !RAW.test(escapeLines(text))))
})

test('JSON and YAML say the same as before, without any of it', async t => {
  holds(t, fc.property(value, value => {
    const json = JSON.stringify(value, null, 2)
    return JSON.stringify(JSON.parse(escapeJson(json)), null, 2) === json && !RAW.test(escapeJson(json))
  }))
  holds(t, fc.property(value, value => {
    const yaml = formatYaml(value)
    return JSON.stringify(load(yaml)) === JSON.stringify(value) && !RAW.test(yaml)
  }))
})

test('texts of a log line', async t => {
  t.strictSame(escapeTexts({ msg: 'a\u001b[2J\n[+] fake', 'k\u202e': ['\u009b', 1, null, true] }), { msg: 'a\\u001b[2J\\n[+] fake', 'k\\u202e': ['\\u009b', 1, null, true] })
  t.strictSame(escapeTexts({ stack: 'Error: a\n[+] fake\n    at x (y:1:2)\ncaused by: Error' }), { stack: 'Error: a\\n[+] fake\n    at x (y:1:2)\ncaused by: Error' }, 'a stack has lines of its own')
})
