import { test } from 'tap'
import type { MockProviderConfig } from '../../../schemas/providers/mock.js'
import type { OpenContext, ProviderLog } from '../../../src/authn/provider.js'
import { parseDocument } from '../../../src/documents/yaml-file.js'
import mock from '../../../plugins/providers/mock/index.js'

const warnings: object[] = []
const log: ProviderLog = { debug () {}, info () {}, error () {}, warn: (fields) => { warnings.push(fields) } }

function context (allowMock: boolean): OpenContext {
  return { log, allowMock, signal: new AbortController().signal, resolvePath: path => path, invalidate () {}, reportReload () {}, countEvent () {} }
}

/** As the config file writes it. */
function config (yaml: string): MockProviderConfig {
  return parseDocument<MockProviderConfig>(yaml, { file: 'mock.yaml', schema: mock.schema }).value
}

test('by default everybody is the user "mock" in "group-mock"', async t => {
  const provider = await mock.open(config('{}'), context(true))
  for (const token of ['any', 'token', '{}']) {
    t.strictSame(await provider.authenticateToken?.(token, {} as never), { user: { username: 'mock', groups: ['group-mock'] } })
  }
})

test('the user can be another one', async t => {
  const user = { username: 'alice', uid: '1001', groups: ['developers'], extra: { 'example.com/team': ['platform'] } }
  const provider = await mock.open(config(JSON.stringify({ user })), context(true))
  t.strictSame(await provider.authenticateToken?.('any', {} as never), { user })
  for (const query of [{ username: 'alice' }, { uid: '1001' }]) t.strictSame(await provider.lookup?.(query, {} as never), { user })
  for (const query of [{ username: 'bob' }, { username: '1001' }, { uid: 'alice' }]) t.equal(await provider.lookup?.(query, {} as never), null)
})

test('it opens only where somebody says so', async t => {
  for (const [yaml, allowMock] of [['{}', true], ['allowMock: true', false]] as const) {
    warnings.length = 0
    t.ok(await mock.open(config(yaml), context(allowMock)), yaml)
    t.strictSame(warnings, [{ username: 'mock', groups: ['group-mock'] }], 'and warns')
  }
  for (const yaml of ['{}', 'allowMock: false', 'user: { username: alice }']) {
    await t.rejects(async () => await mock.open(config(yaml), context(false)), {
      code: 'AUTHN_MOCK_NOT_ALLOWED',
      message: /authenticates everyone.*start with "serve --mock", or set "allowMock: true"/
    }, yaml)
  }
})

test('`validate` refuses a config that `serve --config` would refuse', async t => {
  const checking = { resolvePath: (path: string) => path, warn () {}, findReservedNames: () => [] }
  t.throws(() => mock.validateFiles!(config('{}'), checking), { code: 'AUTHN_MOCK_NOT_ALLOWED' })
  t.doesNotThrow(() => mock.validateFiles!(config('allowMock: true'), checking))
})

test('its config is checked', async t => {
  for (const [yaml, error] of [
    ['allowMock: "yes"', /allowMock: must be true or false/],
    ['user: { username: "" }', /user.username: must not be empty/],
    ['user: { uid: 1001 }', /user.uid: .*quote it/],
    ['user: { groups: developers }', /user.groups: must be a list/],
    ['user: { extra: { team: platform } }', /team.*: must be a list/],
    ['user: { name: alice }', /user.name: unknown key/]
  ] as const) {
    t.throws(() => config(yaml), { message: error }, yaml)
  }
})
