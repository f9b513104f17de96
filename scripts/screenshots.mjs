// Writes docs/images/*.png: pages of the sign-in service in a real Chromium,
// light and dark.
//
// usage: npm run build && node scripts/screenshots.mjs
import { createServer } from 'node:http'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { assets, createPages } from '../dist/src/login/pages/index.js'

const IMAGES = fileURLToPath(new URL('../docs/images', import.meta.url))
const NOW = Date.parse('2026-11-26T09:30:00Z')

const pages = createPages({ base: '', clock: () => NOW })
const device = { form: '<form id="device"></form>', formId: 'device' }
const token = `eyJhbGciOiJFUzI1NiIsImtpZCI6InRoZS1rZXkifQ.${'eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIn'.repeat(7)}.not-a-real-signature`

const DOCUMENTS = {
  'sign-in': pages.signIn({ action: '/', csrf: '', clientName: 'Production' }),
  client: pages.client({
    id: 'production',
    name: 'Production',
    issuer: 'https://login.example.com',
    grants: ['authorizationCode'],
    username: 'alice',
    groups: ['developers', 'platform'],
    server: 'https://api.example.com:6443',
    token,
    expiresAt: new Date(NOW + 36_000_000)
  }),
  device: pages.deviceConfirm({ ...device, userCode: 'WDJB-MJHT', clientName: 'Production', address: '192.0.2.17', requestedAt: new Date(NOW - 90_000) })
}

const server = createServer((request, response) => {
  const asset = assets.get(request.url)
  response.writeHead(200, { 'content-type': asset?.type ?? 'text/html; charset=utf-8' }).end(asset?.body ?? DOCUMENTS[request.url.slice(1)] ?? '')
}).listen(0, '127.0.0.1')
await once(server, 'listening')
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', chromiumSandbox: false, args: ['--disable-gpu', '--disable-background-networking'] })
try {
  mkdirSync(IMAGES, { recursive: true })
  for (const colorScheme of ['light', 'dark']) {
    const page = await browser.newPage({ colorScheme, viewport: { width: 720, height: 600 } })
    for (const name of Object.keys(DOCUMENTS)) {
      await page.goto(`http://127.0.0.1:${server.address().port}/${name}`)
      await page.evaluate(() => { globalThis.document.activeElement.blur() })
      const height = Math.min(await page.evaluate(() => globalThis.document.documentElement.scrollHeight), 1010)
      await page.screenshot({ path: join(IMAGES, `${name}-${colorScheme}.png`), fullPage: true, clip: { x: 0, y: 0, width: 720, height } })
    }
    await page.close()
  }
} finally {
  await browser.close()
  server.close()
}
