/** Cases about the life of a provider: its definition, open, reload, close. */
import assert from 'node:assert/strict'
import { Ajv } from 'ajv'
import { defineIdentityProvider } from '../authn/provider.js'
import { expectUser } from './expectations.js'
import { ask, eventually, using, within } from './opened.js'
import type { ConformanceSubject, ValidCredential } from './subject.js'

export async function definitionFollowsContract ({ definition }: ConformanceSubject): Promise<void> {
  assert.equal(defineIdentityProvider(definition), definition)
  assert.match(definition.kind, /^[a-z0-9][a-z0-9-]*$/, '"kind" is a word of lower-case letters, digits and hyphens')
  assert.doesNotThrow(() => JSON.stringify(definition.schema), '"schema" is plain JSON')
  const ajv = new Ajv()
  assert.ok(ajv.validateSchema(definition.schema), `"schema" is a JSON Schema: ${ajv.errorsText()}`)
}

export async function opensAsProvider (subject: ConformanceSubject): Promise<void> {
  await using(subject, async ({ provider, context }) => {
    for (const method of ['recognizes', 'authenticateToken', 'authenticatePassword', 'lookup', 'ping', 'close'] as const) {
      assert.ok(['function', 'undefined'].includes(typeof provider[method]), `"${method}" is a function where it is there`)
    }
    const answered = [provider.authenticateToken && 'token', provider.authenticatePassword && 'password']
    assert.ok(answered.some(kind => kind !== undefined), 'one of "authenticateToken" and "authenticatePassword" is there')
    for (const kind of provider.synchronous ?? []) {
      assert.ok(answered.includes(kind), `"synchronous" names kinds that the provider answers, not "${String(kind)}"`)
    }
    await within(subject, async () => { await provider.ping?.(context()) })
  })
}

export async function invalidatesOnReload (subject: ConformanceSubject): Promise<void> {
  await using(subject, async (opened) => {
    assert.equal(opened.changes, 0, 'invalidate() is for reloads, not for the first load')
    await subject.reload?.()
    assert.ok(await eventually(subject, () => opened.changes > 0), 'invalidate() is called after a reload')
  })
}

export async function opensAgain (subject: ConformanceSubject): Promise<void> {
  const [valid] = subject.valid as readonly [ValidCredential]
  for (const turn of ['first', 'second']) {
    await using(subject, async (opened) => {
      expectUser(await ask(opened, valid.credential), valid, `valid[0], opened for the ${turn} time`)
    })
  }
}

/** Two providers of one kind are two directories, say: they share nothing. */
export async function closesAlone (subject: ConformanceSubject): Promise<void> {
  const [valid] = subject.valid as readonly [ValidCredential]
  await using(subject, async (opened) => {
    await using(subject, async (other) => { await ask(other, valid.credential) })
    expectUser(await ask(opened, valid.credential), valid, 'valid[0], after another open provider was closed')
  })
}

/**
 * Sockets, timers and watchers that keep the process alive are gone after
 * `close`. A server of the subject in this very process counts too: `unref` it
 * and its sockets.
 */
export async function releases (subject: ConformanceSubject): Promise<void> {
  const before = process.getActiveResourcesInfo()
  await using(subject, async (opened) => {
    for (const { credential } of subject.valid) await ask(opened, credential)
  })
  const left = (): string[] => leftOver(before, process.getActiveResourcesInfo())
  await eventually(subject, () => left().length === 0)
  assert.deepEqual(left(), [], 'resources of "open" or of a request are still in use after "close"')
}

function leftOver (before: readonly string[], after: readonly string[]): string[] {
  const left = [...after]
  for (const resource of before) {
    const index = left.indexOf(resource)
    if (index !== -1) left.splice(index, 1)
  }
  return left
}
