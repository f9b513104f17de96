import type { KoaContextWithOIDC } from 'oidc-provider'
import { test } from 'tap'
import { deviceFlow } from '../../../src/login/device-flow.js'
import { createPages } from '../../../src/login/pages/index.js'

const { deviceInfo } = deviceFlow(createPages({ base: '' }), true)

void test('the page of a device names its address as people know it', async t => {
  for (const [ip, address] of [
    ['192.0.2.17', '192.0.2.17'],
    ['::ffff:192.0.2.17', '192.0.2.17'],
    ['2001:db8::17', '2001:db8::17']
  ] as const) t.match(deviceInfo!({ ip } as KoaContextWithOIDC), { address, requestedAt: Number }, ip)
})
