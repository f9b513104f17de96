/** Cases about a source that is out of reach, callers that left, and what is written down meanwhile. */
import assert from 'node:assert/strict'
import { expectUser } from './expectations.js'
import { ask, expectRejection, using, within } from './opened.js'
import { expectNoWrongLookup } from './lookups.js'
import { bearer, labelled, type ConformanceSubject } from './subject.js'

/** An outage that looks like a wrong password would be cached by the API server for minutes. */
export async function rejectsWhileUnreachable (subject: ConformanceSubject): Promise<void> {
  await using({ ...subject, config: subject.unreachable }, async (opened) => {
    for (const [label, { credential }] of [...labelled('valid', subject.valid), ...labelled('refused', subject.refused)]) {
      await expectRejection(ask(opened, credential), `${label}: a request must reject while the source is unreachable`)
    }
    const { provider, context } = opened
    if (provider.lookup !== undefined) {
      for (const [label, valid] of labelled('valid', subject.valid)) await expectNoWrongLookup(opened, label, valid)
    }
    if (provider.ping === undefined) return
    const ping = within(subject, async () => { await provider.ping?.(context()) })
    await expectRejection(ping, '"ping" must reject while the source is unreachable')
  })
}

/** A provider that answers from memory may ignore the signal; one that waits must not. */
export async function rejectsWhenAborted (subject: ConformanceSubject): Promise<void> {
  await using(subject, async (opened) => {
    for (const [label, valid] of labelled('valid', subject.valid)) {
      const request = ask(opened, valid.credential, { signal: AbortSignal.abort() })
      await request.then(
        answer => { expectUser(answer, valid, `${label}, aborted before the call: must reject, or give the user`) },
        async () => { await expectRejection(request, `${label}: an aborted request must reject soon`) }
      )
    }
  })
}

export async function stopsWaiting (subject: ConformanceSubject): Promise<void> {
  await using({ ...subject, config: subject.silent }, async (opened) => {
    for (const [label, { credential }] of labelled('valid', subject.valid)) {
      const caller = new AbortController()
      const request = ask(opened, credential, { signal: caller.signal })
      setImmediate(() => { caller.abort() })
      await expectRejection(request, `${label}: a request that is aborted while it waits must reject soon`)
    }
  })
}

/** Whatever is logged, answered or thrown ends in files that others read. */
export async function keepsSecrets (subject: ConformanceSubject): Promise<void> {
  const presented = [
    ...labelled('valid', subject.valid.map(({ credential }) => credential)),
    ...labelled('refused', subject.refused?.map(({ credential }) => credential)),
    ...labelled('foreign', subject.foreign)
  ]
  const secrets = [
    ...presented.map(([label, credential]) => [label, bearer(credential)] as const),
    ...presented.flatMap(([label, credential]) => typeof credential === 'string' ? [] : [[label, credential.password] as const]),
    ...labelled('secret of the config, ', [...secretsIn(subject.config)])
  ]
  for (const config of [subject.config, subject.unreachable].filter(config => config !== undefined)) {
    await using({ ...subject, config }, async (opened) => {
      for (const [, credential] of presented) {
        const outcome = await ask(opened, credential).catch((error: unknown) => error)
        expectNone(secrets, outcome, outcome instanceof Error ? 'an error' : 'an answer')
      }
      const ping = await within(subject, async () => { await opened.provider.ping?.(opened.context()) }).catch((error: unknown) => error)
      expectNone(secrets, ping, 'an error of "ping"')
      expectNone(secrets, opened.logged, 'the log')
    })
  }
}

function expectNone (secrets: ReadonlyArray<readonly [label: string, secret: string]>, written: unknown, where: string): void {
  for (const text of textsIn(written)) {
    const found = secrets.find(([, secret]) => text.includes(secret))
    assert.equal(found?.[0], undefined, `${where} contains the secret of ${found?.[0]}`)
  }
}

/** Secrets of a config, wherever they stand in it. */
function * secretsIn (config: unknown): Generator<string> {
  if (config === null || typeof config !== 'object') return
  if ('reveal' in config && typeof config.reveal === 'function') yield String(config.reveal())
  for (const value of Object.values(config)) yield * secretsIn(value)
}

/** Every text that a value leads to; of an error its message, stack and cause too. */
function * textsIn (value: unknown): Generator<string> {
  const reached = new Set([value])
  // a set may grow while it is walked
  for (const item of reached) {
    if (typeof item === 'string') yield item
    else if (item instanceof Uint8Array) yield Buffer.from(item).toString()
    else if (item !== null && typeof item === 'object') {
      for (const key of Reflect.ownKeys(item)) reached.add(String(key)).add(Reflect.get(item, key))
    }
  }
}
