/** Searches for every entry: directories that refuse pages, limit them, or have never heard of them. */
import { test, type Test } from 'tap'
import { dial, hostOf } from '../../../../plugins/providers/ldap/connection/dial.js'
import { LdapConnection } from '../../../../plugins/providers/ldap/connection/ldap-connection.js'
import { Paging } from '../../../../plugins/providers/ldap/connection/pages.js'
import { control, element, entry, integer, message, Response, result } from '../../../fixtures/ber.js'
import { Request, startHostile, type LdapRequest } from '../../../fixtures/hostile-directory.js'
import { openLdap, openldapConfig, type LdapFields } from '../../../fixtures/ldap.js'
import { startSlapd } from '../../../fixtures/slapd.js'

const PAGED = '1.2.840.113556.1.4.319'
const ALICE = ['developers', 'platform']

test('OpenLDAP that limits pages', async t => {
  for (const [name, conf, fields, refusals] of [
    ['forbids them', 'limits * size.prtotal=disabled', {}, 1],
    ['allows smaller ones only', 'limits * size.pr=2', {}, 1],
    ['allows fewer entries in pages than without', 'limits * size.prtotal=1', {}, 1],
    ['forbids them, and is not asked for any', 'limits * size.prtotal=disabled', { pageSize: 0 }, 0],
    ['allows smaller ones only, which it is asked for', 'limits * size.pr=2', { pageSize: 2 }, 0],
    ['gives more entries in pages than without', 'limits * size.soft=1 size.hard=1 size.prtotal=unlimited', { pageSize: 1 }, 0]
  ] as Array<[string, string, LdapFields, number]>) {
    await t.test(name, async t => {
      const slapd = await startSlapd(t, { conf })
      if (slapd === undefined) return
      const { lookup, logged } = await openLdap(t, openldapConfig(slapd, fields))
      for (let times = 0; times < 3; times++) t.strictSame((await lookup('alice'))?.groups?.toSorted(), ALICE)
      t.equal(await slapd.count(/SEARCH RESULT tag=101 err=(4|11)/), refusals, 'refused once, then remembered for the host')
      t.equal(logged.filter(line => line.includes('refuses paged searches')).length, refusals)
    })
  }

  await t.test('and the same search without them: says both', async t => {
    const slapd = await startSlapd(t, { conf: 'limits * size.soft=1 size.hard=1 size.prtotal=disabled' })
    if (slapd === undefined) return
    const { lookup, logged } = await openLdap(t, openldapConfig(slapd))
    for (let times = 0; times < 2; times++) {
      await t.rejects(lookup('alice'), { code: 'AUTHN_DIRECTORY', message: /rejected a search under "ou=groups\S+: SizeLimitExceededError 4; the paged search failed with: AdminLimitExceededError 11: pagedResults control not allowed/ })
    }
    t.notMatch(logged.join('\n'), /refuses paged searches/, 'nothing was learnt')
  })
})

/** A host that answers searches like this: to whether it was asked for a page, and for which. */
async function connectTo (t: Test, answer: (asked: { paged: boolean, cookie: string, id: number }) => Buffer) {
  const cookieOf = ({ body }: LdapRequest): string => body.subarray(body.indexOf(PAGED) + PAGED.length).toString('latin1')
  const { port, requests } = await startHostile(t, (socket, request) => {
    if (request.operation === Request.search) socket.write(answer({ id: request.id, paged: request.body.includes(PAGED), cookie: cookieOf(request) }))
  })
  const host = hostOf(`ldap://127.0.0.1:${port}`)
  const { signal } = new AbortController()
  const socket = await dial(host, { tls: { mode: 'none', insecure: true, insecureSkipVerify: false, serverName: '' }, certificates: () => ({}), timeout: 20_000 }, signal)
  const connection = new LdapConnection(host, socket, { connect: 20_000, bind: 20_000, search: 20_000 }, new Paging(500, { info () {} }))
  t.teardown(() => { connection.close() })
  return {
    requests,
    search: async () => (await connection.search({ baseDN: 'dc=x', scope: 'sub', attributes: ['cn'] }, signal))?.map(({ dn }) => dn)
  }
}

const page = (cookie: string): Buffer => control(PAGED, element(0x30, integer(0), element(0x04, cookie)))
const END = result(Response.result)
const found = (id: number, ...names: string[]): Buffer => Buffer.concat(names.map(name => message(id, entry(name))))

test('directories that OpenLDAP is not', async t => {
  for (const code of [12, 53]) {
    await t.test(`one that refuses pages with result ${code}`, async t => {
      const { search, requests } = await connectTo(t, ({ id, paged }) => paged ? message(id, result(Response.result, code)) : Buffer.concat([found(id, 'cn=a'), message(id, END)]))
      for (let times = 0; times < 2; times++) t.strictSame(await search(), ['cn=a'])
      t.equal(requests.length, 3)
    })
  }

  await t.test('one that refuses the second page', async t => {
    const { search } = await connectTo(t, ({ id, paged, cookie }) => {
      if (!paged) return Buffer.concat([found(id, 'cn=a', 'cn=b'), message(id, END)])
      return cookie.includes('more') ? message(id, result(Response.result, 53)) : Buffer.concat([found(id, 'cn=a'), message(id, END, page('more'))])
    })
    t.strictSame(await search(), ['cn=a', 'cn=b'], 'each once')
  })

  await t.test('one that ignores the control', async t => {
    const { search, requests } = await connectTo(t, ({ id }) => Buffer.concat([found(id, 'cn=a', 'cn=b'), message(id, END)]))
    t.strictSame(await search(), ['cn=a', 'cn=b'])
    t.equal(requests.length, 1)
  })

  await t.test('one that gives a page without entries before others', async t => {
    const { search } = await connectTo(t, ({ id, cookie }) => {
      if (cookie.includes('third')) return Buffer.concat([found(id, 'cn=b'), message(id, END, page(''))])
      return cookie.includes('second') ? message(id, END, page('third')) : Buffer.concat([found(id, 'cn=a'), message(id, END, page('second'))])
    })
    t.strictSame(await search(), ['cn=a', 'cn=b'])
  })

  await t.test('one that refuses pages, and later limits what comes without', async t => {
    let allowed = false
    const { search, requests } = await connectTo(t, ({ id, paged }) => {
      const refused = paged !== allowed
      return refused ? message(id, result(Response.result, paged ? 11 : 4)) : Buffer.concat([found(id, 'cn=a'), message(id, END)])
    })
    t.strictSame(await search(), ['cn=a'])
    allowed = true
    for (let times = 0; times < 2; times++) t.strictSame(await search(), ['cn=a'], 'is asked for pages again')
    t.equal(requests.length, 5)
  })

  await t.test('one that refuses a search for another reason', async t => {
    const { search, requests } = await connectTo(t, ({ id }) => message(id, result(Response.result, 50)))
    await t.rejects(search(), { message: /rejected a search under "dc=x": InsufficientAccessError 50$/ })
    t.equal(requests.length, 1, 'is not asked again')
  })
})
