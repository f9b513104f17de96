import { test } from 'tap'
import { hasBrowser, possibleFlows } from '../../../../src/credential-plugin/flows/possible-flows.js'
import type { FlowName } from '../../../../src/credential-plugin/flows/flow.js'

const DEVICE = { device_authorization_endpoint: 'https://login.example.com/device' }
const PASSWORD = { grant_types_supported: ['authorization_code', 'password'] }

const CASES: ReadonlyArray<readonly [metadata: Parameters<typeof possibleFlows>[0], inSession: FlowName[], elsewhere: FlowName[]]> = [
  [{}, ['browser'], ['browser']],
  [DEVICE, ['browser'], ['device-code', 'browser']],
  [PASSWORD, ['browser'], ['password']],
  [{ ...DEVICE, ...PASSWORD }, ['browser'], ['device-code', 'password']]
]

void test('the browser in a graphical session, otherwise a device code, otherwise a password', async t => {
  for (const [metadata, inSession, elsewhere] of CASES) {
    t.strictSame(possibleFlows(metadata, true), inSession, JSON.stringify(metadata))
    t.strictSame(possibleFlows(metadata, false), elsewhere, JSON.stringify(metadata))
  }
})

const SESSIONS: ReadonlyArray<readonly [env: NodeJS.ProcessEnv, platform: NodeJS.Platform, has: boolean]> = [
  [{ DISPLAY: ':0' }, 'linux', true],
  [{ WAYLAND_DISPLAY: 'wayland-0' }, 'linux', true],
  [{ WSL_DISTRO_NAME: 'Debian' }, 'linux', true],
  [{}, 'linux', false],
  [{ DISPLAY: '' }, 'linux', false],
  [{}, 'darwin', true],
  [{}, 'win32', true],
  [{ DISPLAY: 'localhost:10.0', SSH_CONNECTION: '192.0.2.1 50000 192.0.2.2 22' }, 'linux', false],
  [{ SSH_TTY: '/dev/ttys001' }, 'darwin', false]
]

void test('a graphical session, on this computer', async t => {
  for (const [env, platform, has] of SESSIONS) t.equal(hasBrowser(env, platform), has, `${platform} ${JSON.stringify(env)}`)
})
