/** People sign in on the page, in a real browser, with passwords of real directories; kubectl uses what they get. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client, Attribute, Change } from 'ldapts'
import type { Page } from 'playwright-core'
import { test, type Test } from 'tap'
import { startChromium, textOfDownload } from '../fixtures/chromium.js'
import { runCommand } from '../fixtures/command.js'
import { alice } from '../fixtures/people.js'
import { DOMAIN, READER as SAMBA_READER, groupDN, startSamba, userDN } from '../fixtures/samba.js'
import { ADMIN, GROUPS, READER, startSlapd, SUFFIX } from '../fixtures/slapd.js'
import { startSignInCluster } from './sign-in-cluster.js'
import { env, until } from './webhook.js'

const NAMESPACES = ['get', 'namespaces', '--output', 'name'] as const

/** A directory in which an administrator changes what the API server has to notice. */
interface Directory {
  readonly provider: object
  readonly addToGroup: (group: string) => Promise<void>
  readonly disable: () => Promise<void>
  readonly enable: () => Promise<void>
  readonly changePassword: (password: string) => Promise<void>
}

const DIRECTORIES: Record<string, (t: Test) => Promise<Directory | undefined>> = {
  async OpenLDAP (t) {
    const slapd = await startSlapd(t)
    if (slapd === undefined) return undefined
    const client = new Client({ url: slapd.url })
    await client.bind(ADMIN.dn, ADMIN.password)
    t.teardown(async () => { await client.unbind() })
    const dn = `uid=alice,ou=people,${SUFFIX}`
    const change = async (operation: 'add' | 'replace' | 'delete', type: string, values: string[]): Promise<void> => {
      await client.modify(dn, new Change({ operation, modification: new Attribute({ type, values }) }))
    }
    // the policy writes the time of a change from then on
    await change('replace', 'userPassword', [alice.password])
    return {
      provider: {
        kind: 'ldap',
        config: {
          preset: 'openldap',
          urls: [slapd.tlsUrl],
          tls: { caFile: `${slapd.dir}/ca.crt` },
          bindDN: READER.dn,
          bindPassword: READER.password,
          userSearch: { baseDN: `ou=people,${SUFFIX}` },
          groupSearch: { baseDN: GROUPS }
        }
      },
      addToGroup: async group => { await client.add(`cn=${group},${GROUPS}`, { objectClass: 'groupOfNames', cn: group, member: dn }) },
      disable: async () => { await change('replace', 'pwdAccountLockedTime', ['000001010000Z']) },
      enable: async () => { await change('delete', 'pwdAccountLockedTime', []) },
      changePassword: async password => { await change('replace', 'userPassword', [password]) }
    }
  },
  async Samba (t) {
    const samba = await startSamba(t)
    if (samba === undefined) return undefined
    return {
      provider: {
        kind: 'ldap',
        config: {
          preset: 'activeDirectory',
          urls: [samba.url],
          tls: { caFile: samba.caFile },
          bindDN: SAMBA_READER.name,
          bindPassword: SAMBA_READER.password,
          userSearch: { baseDN: `OU=people,${DOMAIN}` }
        }
      },
      addToGroup: async group => { await samba.addGroup(groupDN(group), group, [userDN('alice')]) },
      disable: async () => { await samba.change(userDN('alice'), { userAccountControl: String(0x10202) }) },
      enable: async () => { await samba.change(userDN('alice'), { userAccountControl: String(0x10200) }) },
      changePassword: async password => { await samba.setPassword('alice', password) }
    }
  }
}

for (const [name, startDirectory] of Object.entries(DIRECTORIES)) {
  test(`a user of ${name} signs in on the page`, async t => {
    const directory = await startDirectory(t)
    const chromium = await startChromium(t)
    if (directory === undefined || chromium === undefined) return
    const { cluster, webhook, issuer } = await startSignInCluster(t, directory.provider)
    const browser = await chromium.newContext({ ignoreHTTPSErrors: true, acceptDownloads: true })
    t.teardown(async () => { await browser.close() })
    const page = await browser.newPage()

    /** Signs in, and saves the kubeconfig that has the token. */
    const signIn = async (password: string, file: string): Promise<string> => {
      await browser.clearCookies()
      await page.goto(`${issuer}/`)
      await page.getByLabel('Username').fill('alice')
      await page.getByLabel('Password').fill(password)
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByRole('link', { name: 'Production' }).click()
      return await download(page, join(webhook.dir, file))
    }
    const kubectl = async (file: string) => await cluster.kubectl('--kubeconfig', file, ...NAMESPACES)
    const isOut = async (file: string): Promise<boolean> => /You must be logged in|Unauthorized/.test((await kubectl(file)).stderr)

    const kubeconfig = await signIn(alice.password, 'alice.yaml')
    t.match(await kubectl(kubeconfig), { code: 1, stderr: /User "corp:alice" cannot list resource "namespaces"/ }, 'the user of the directory, who may not list namespaces')

    await directory.addToGroup('auditors')
    await until(async () => await kubectl(kubeconfig), ({ code }) => code === 0)
    t.match(await kubectl(kubeconfig), { stdout: /namespace\/default/ }, 'the same token, with the new group')

    await directory.disable()
    await until(async () => await isOut(kubeconfig), out => out)
    await page.goto(`${issuer}/`)
    t.match(await page.getByRole('heading', { level: 1 }).textContent(), 'Sign in', 'the browser session has ended too')
    await directory.enable()
    await until(async () => await kubectl(kubeconfig), ({ code }) => code === 0)

    await directory.changePassword('canary-alice-new-password')
    await until(async () => await isOut(kubeconfig), out => out)
    const renewed = await signIn('canary-alice-new-password', 'renewed.yaml')
    await until(async () => await kubectl(renewed), ({ code }) => code === 0)

    const other = await signIn('canary-alice-new-password', 'other.yaml')
    t.match(await kubectl(other), { code: 0 })
    t.match(await runCommand(['sessions', 'revoke', '--id', await idOf(renewed), '--config', 'config.yaml'], { cwd: webhook.dir, env }), { code: 0 })
    await until(async () => await isOut(renewed), out => out)
    t.match(await kubectl(other), { code: 0 }, 'another token of the same user')
    t.match(await runCommand(['sessions', 'revoke', '--user', 'corp:alice', '--config', 'config.yaml'], { cwd: webhook.dir, env }), { code: 0 })
    await until(async () => await isOut(other), out => out)

    for (const reason of ['password-changed', 'revoked']) t.ok(await webhook.metric(new RegExp(`^authn_webhook_denials_total{provider="corp",reason="${reason}"}`)) > 0, reason)
  })
}

async function download (page: Page, file: string): Promise<string> {
  await writeFile(file, await textOfDownload(page, 'a[href$="/kubeconfig/token"]'), { mode: 0o600 })
  return file
}

/** Claim `jti` of the token in a kubeconfig. */
async function idOf (kubeconfig: string): Promise<string> {
  const [, claims = ''] = /token: "?[\w-]+\.([\w-]+)\./.exec(await readFile(kubeconfig, 'utf8')) ?? []
  return JSON.parse(Buffer.from(claims, 'base64url').toString()).jti
}
