/** The keys of a `jwksFile`. */
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { fileKeys } from '../../../../../plugins/providers/jwt/keys/file-keys.js'
import type { KeySource } from '../../../../../plugins/providers/jwt/keys/key-source.js'
import { makeJWK, recordLog } from '../../../../fixtures/scripted-issuer.js'
import { until } from '../../../../fixtures/waiting.js'

const [a, b] = [await makeJWK('ES256', { kid: 'a' }), await makeJWK('ES256', { kid: 'b' })]
const forever = new AbortController().signal

interface Opened {
  readonly keys: KeySource
  readonly logged: string[]
  /** Reloads, and `invalidate`. */
  readonly events: string[]
  readonly file: string
  write: (content: string) => Promise<void>
  has: (kid: string) => Promise<boolean>
}

async function open (t: Test, content: string): Promise<Opened> {
  const dir = t.testdir()
  const file = join(dir, 'jwks.json')
  const write = async (content: string): Promise<void> => {
    await writeFile(`${file}.new`, content)
    await rename(`${file}.new`, file)
  }
  await write(content)
  const { log, logged } = recordLog()
  const events: string[] = []
  const keys = await fileKeys('jwks.json', {
    log,
    resolvePath: path => join(dir, path),
    invalidate () { events.push('invalidate') },
    reportReload (error) { events.push(error === undefined ? 'reloaded' : 'failed') }
  })
  t.teardown(() => { keys.close() })
  return { keys, logged, events, file, write, has: async kid => (await keys.find({ alg: 'ES256', kid }, forever)).length > 0 }
}

test('a file of keys', async t => {
  const { keys, logged, events, file, write, has } = await open(t, JSON.stringify({ keys: [a, { kty: 'oct', k: 'AAAA' }] }))
  t.same([await has('a'), await has('b')], [true, false])
  await keys.ping(forever)
  t.match(logged, [`info: loaded JWKS file ${JSON.stringify({ file, keys: 1, skipped: 1 })}`, `warn: the JWKS file holds private keys: keep only the public ones in it ${JSON.stringify({ file })}`])

  await write(JSON.stringify({ keys: [b] }))
  await until('the reload', () => events.includes('reloaded'))
  t.same([await has('a'), await has('b')], [false, true])
  t.same(events, ['invalidate', 'reloaded'])

  await write('{"keys":')
  await until('the failure', () => events.includes('failed'))
  t.equal(await has('b'), true, 'the last good one is kept')
  t.match(logged.at(-1), /^error: JWKS file not reloaded; keeping the previous version .*is not JSON/)
})

test('a file that is wrong from the start', async t => {
  for (const [content, problem] of [
    ['{"keys":[{"d":"canary', 'is not JSON'],
    ['', 'is not JSON'],
    ['[]', 'is not a JWKS: it has no list "keys"'],
    ['{"keys":[]}', 'has no key that can verify signatures'],
    [JSON.stringify({ keys: [{ ...a, use: 'enc' }] }), 'has no key that can verify signatures'],
    [`{"keys":[]${' '.repeat(1024 * 1024)}}`, 'is too large: more than 1 MiB']
  ] as const) {
    const error = await open(t, content).catch((error: unknown) => error as Error)
    t.match(error, { code: 'AUTHN_VALIDATION', message: new RegExp(`jwks.json: ${problem}$`) })
    t.notMatch(String(error), /canary/)
  }
})
