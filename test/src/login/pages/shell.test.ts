import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { test } from 'tap'
import { quote } from '../../../../src/login/pages/shell.js'
import { holds } from '../../../fixtures/property.js'

test('a shell sees the same word', async t => {
  for (const word of ['kubeconfig-production.yaml', '--token=eyJ.a_b-c', 'https://api.example.com:6443/a%20b']) t.equal(quote(word), word, 'needs no quotes')
  t.equal(quote("it's $HOME"), "'it'\\''s $HOME'")
  const word = fc.array(fc.constantFrom('a', ' ', "'", '"', '\\', '$', '`', '\n', '*', '~', '#', ';', '!', 'é', '-')).map(parts => parts.join(''))
  holds(t, fc.property(word, word => spawnSync('/bin/sh', ['-c', `printf %s ${quote(word)}x`], { encoding: 'utf8' }).stdout === `${word}x`), 100)
})
