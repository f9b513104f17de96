/** Cases about users that are looked up without a credential. */
import assert from 'node:assert/strict'
import type { Answer, LookupQuery, UserInfo } from '../authn/provider.js'
import { expectDenial, expectUser } from './expectations.js'
import { deface, expectRejection, using, within, type Opened } from './opened.js'
import { labelled, type ConformanceSubject, type ValidCredential } from './subject.js'

export async function looksUp (subject: ConformanceSubject): Promise<void> {
  await using(subject, async (opened) => {
    if (opened.provider.lookup === undefined) return
    for (const [label, valid] of labelled('valid', subject.valid)) {
      for (const query of queriesFor(valid.user)) {
        const what = `${label}: "lookup" by ${Object.keys(query).join()}`
        const found = await lookUp(opened, query)
        expectUser(found, userOf(valid), `${what} gives the same user`)
        deface(found.user)
        expectUser(await lookUp(opened, query), userOf(valid), `${what}, after a caller changed the previous answer`)
      }
    }
    for (const query of [{ username: 'nobody-of-this-name' }, { uid: 'nobody-of-this-uid' }]) {
      assert.equal(await lookUp(opened, query), null, `"lookup" gives null for an unknown ${Object.keys(query).join()}`)
    }
  })
}

export async function deniesAccounts (subject: ConformanceSubject): Promise<void> {
  await using(subject, async (opened) => {
    for (const [label, { query, reason }] of labelled('deniedAccounts', subject.deniedAccounts)) {
      expectDenial(await lookUp(opened, query), reason, label)
    }
  })
}

/** It may know users without the source, but must not take an outage for an unknown user. */
export async function expectNoWrongLookup (opened: Opened, label: string, valid: ValidCredential): Promise<void> {
  for (const query of queriesFor(valid.user)) {
    const what = `${label}: "lookup" must reject while the source is unreachable`
    const request = lookUp(opened, query)
    await request.then(found => { expectUser(found, userOf(valid), what) }, async () => { await expectRejection(request, what) })
  }
}

/** Audiences and expiry are those of the credential. */
function userOf ({ credential, user }: ValidCredential): ValidCredential {
  return { credential, user }
}

function queriesFor ({ username, uid }: UserInfo): LookupQuery[] {
  return uid === undefined ? [{ username }] : [{ username }, { uid }]
}

async function lookUp ({ subject, provider, context }: Opened, query: LookupQuery): Promise<Answer> {
  // a provider in plain JavaScript may give what the contract does not know
  return await within(subject, async () => await provider.lookup?.(query, context()) as Answer)
}
