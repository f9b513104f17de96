/** Cases about what a provider answers, and to what. */
import assert from 'node:assert/strict'
import { expectDenial, expectNotAuthenticated, expectShape, expectUser } from './expectations.js'
import { nearMisses, ODD_TOKENS } from './odd-tokens.js'
import { ask, deface, using } from './opened.js'
import { labelled, parse, type ConformanceSubject } from './subject.js'

export async function givesUsers (subject: ConformanceSubject): Promise<void> {
  await using(subject, async (opened) => {
    for (const [label, valid] of labelled('valid', subject.valid)) {
      expectUser(await ask(opened, valid.credential), valid, label)
    }
  })
}

export async function deniesRefused (subject: ConformanceSubject): Promise<void> {
  await using(subject, async (opened) => {
    for (const [label, { credential, reason }] of labelled('refused', subject.refused)) {
      expectDenial(await ask(opened, credential), reason, label)
    }
  })
}

export async function leavesForeign (subject: ConformanceSubject): Promise<void> {
  await using(subject, async (opened) => {
    for (const [label, credential] of labelled('foreign', subject.foreign)) {
      assert.equal(await ask(opened, credential), null, `${label}: the answer must be null`)
    }
  })
}

export async function survivesOddTokens (subject: ConformanceSubject): Promise<void> {
  const expect = subject.anyToken === true ? expectShape : expectNotAuthenticated
  await using(subject, async (opened) => {
    for (const token of ODD_TOKENS) {
      const label = `the token ${JSON.stringify(token.slice(0, 40))}`
      const answer = await ask(opened, token).catch((error: unknown) => assert.fail(`${label}: rejects with ${String(error)}`))
      expect(answer, label)
    }
  })
}

export async function refusesNearMisses (subject: ConformanceSubject): Promise<void> {
  await using(subject, async (opened) => {
    for (const [label, { credential }] of labelled('valid', subject.valid)) {
      for (const [change, presented] of nearMisses(credential)) {
        expectNotAuthenticated(await ask(opened, presented), `${label} ${change}`)
      }
    }
  })
}

export async function sharesNoAnswer (subject: ConformanceSubject): Promise<void> {
  await using(subject, async (opened) => {
    for (const [label, valid] of labelled('valid', subject.valid)) {
      const answer = await ask(opened, valid.credential)
      expectUser(answer, valid, label)
      deface(answer.user)
      expectUser(await ask(opened, valid.credential), valid, `${label}, after a caller changed the previous answer`)
    }
  })
}

export async function keepsQuestionsApart (subject: ConformanceSubject): Promise<void> {
  await using(subject, async (opened) => {
    await Promise.all([1, 2, 3].flatMap(() => [
      ...labelled('valid', subject.valid).map(async ([label, valid]) => { expectUser(await ask(opened, valid.credential), valid, label) }),
      ...labelled('refused', subject.refused).map(async ([label, { credential, reason }]) => { expectDenial(await ask(opened, credential), reason, label) }),
      ...labelled('foreign', subject.foreign).map(async ([label, credential]) => { assert.equal(await ask(opened, credential), null, label) })
    ]))
  })
}

export async function recognizesItsOwn (subject: ConformanceSubject): Promise<void> {
  await using(subject, async ({ provider }) => {
    if (provider.recognizes === undefined) return
    for (const [label, { credential }] of [...labelled('valid', subject.valid), ...labelled('refused', subject.refused)]) {
      assert.equal(provider.recognizes(parse(credential)), true, `${label}: "recognizes" gives true, at once`)
    }
    for (const token of ODD_TOKENS) {
      assert.equal(typeof provider.recognizes(parse(token)), 'boolean', '"recognizes" gives true or false, whatever the token')
    }
  })
}

/** Immediate kinds are asked without a timeout, and not waited for. */
export async function answersImmediately (subject: ConformanceSubject): Promise<void> {
  await using(subject, async ({ provider, context }) => {
    for (const [label, valid] of labelled('valid', subject.valid)) {
      const kind = typeof valid.credential === 'string' ? 'token' : 'password'
      if (provider.synchronous?.includes(kind) !== true) continue
      const { token, passwordCredential } = parse(valid.credential)
      const answer = kind === 'token' ? provider.authenticateToken?.(token, context()) : provider.authenticatePassword?.(passwordCredential!, context())
      assert.ok(!(answer instanceof Promise), `${label}: "synchronous" promises the answer itself, but this is a promise for one`)
    }
  })
}
