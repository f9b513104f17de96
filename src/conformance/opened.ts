/** An open provider in surroundings that record what it does with them. */
import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import type { Answer, RequestContext, IdentityProvider, ProviderLog } from '../authn/provider.js'
import { parse, type ConformanceSubject, type Presented } from './subject.js'

export interface Opened {
  readonly subject: ConformanceSubject
  readonly provider: IdentityProvider
  /** Arguments of every log call. */
  readonly logged: unknown[]
  /** Identities of ctx.attempt, in the order of the calls. */
  readonly attempts: string[]
  /** Names of ctx.attemptUnknown, in the order of the calls. */
  readonly unknown: string[]
  /** How often the provider has called invalidate(). */
  readonly changes: number
  readonly context: (overrides?: Partial<RequestContext>) => RequestContext
}

/** Opens the subject's provider, uses it, and closes it whatever happens. */
export async function using (subject: ConformanceSubject, use: (opened: Opened) => Promise<void>): Promise<void> {
  const { definition, config, dir = '.', allowMock = false } = subject
  const logged: unknown[] = []
  const attempts: string[] = []
  const unknown: string[] = []
  let changes = 0

  const log = recordingLog(logged)
  const attempt: RequestContext['attempt'] = async (identity, check) => {
    attempts.push(identity)
    return await check()
  }
  const attemptUnknown: RequestContext['attemptUnknown'] = async (name, decoy) => {
    unknown.push(name)
    await decoy?.()
  }
  const provider = await within(subject, async () => await definition.open(config, {
    log,
    signal: never(),
    resolvePath: path => resolve(dir, path),
    invalidate: () => { changes++ },
    reportReload: () => {},
    countEvent: event => { assert.ok(definition.events?.includes(event), `"events" of the definition names ${event}`) },
    allowMock
  }))
  try {
    await use({
      subject,
      provider,
      logged,
      attempts,
      unknown,
      get changes () { return changes },
      context: overrides => ({ audiences: [], signal: never(), log, attempt, attemptUnknown, ...overrides })
    })
  } finally {
    await within(subject, async () => { await provider.close?.() })
  }
}

/** Asks as the chain does: about the token first, then about the password that it carries. */
export async function ask ({ subject, provider, context }: Opened, presented: Presented, overrides?: Partial<RequestContext>): Promise<Answer> {
  const credential = parse(presented)
  const ctx = context(overrides)
  return await within(subject, async () => {
    if (provider.recognizes?.(credential) === false) return null
    const answer = provider.authenticateToken === undefined ? null : await provider.authenticateToken(credential.token, ctx)
    if (answer !== null || credential.passwordCredential === undefined || provider.authenticatePassword === undefined) return answer
    return await provider.authenticatePassword(credential.passwordCredential, ctx)
  })
}

/** What `work` gives, unless it takes longer than the subject's patience. */
export async function within<T> ({ patience = 5000 }: ConformanceSubject, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const expiry = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => { reject(new OutOfPatience(`nothing came within ${patience} ms`)) }, patience)
  })
  try {
    return await Promise.race([work(), expiry])
  } finally {
    clearTimeout(timer)
  }
}

/** Fails unless `work` rejects, and within the subject's patience. */
export async function expectRejection (work: Promise<unknown>, label: string): Promise<void> {
  await assert.rejects(work, error => !(error instanceof OutOfPatience), label)
}

/** Whether the condition comes true within the subject's patience. */
export async function eventually ({ patience = 5000 }: ConformanceSubject, condition: () => boolean | Promise<boolean>): Promise<boolean> {
  const end = performance.now() + patience
  while (!await condition() && performance.now() < end) await new Promise(resolve => { setTimeout(resolve, 10) })
  return await condition()
}

/** Changes whatever can be changed in an answer; a frozen one refuses, which is as good. */
export function deface (user: Record<string, any>): void {
  for (const change of [
    () => { user.username = 'mallory' },
    () => { user.uid = '0' },
    () => { user.groups.push('system:masters') },
    () => { for (const values of Object.values<string[]>(user.extra)) values.push('defaced') },
    () => { user.extra.defaced = ['defaced'] }
  ]) {
    try { change() } catch {}
  }
}

function never (): AbortSignal {
  return new AbortController().signal
}

function recordingLog (logged: unknown[]): ProviderLog {
  const record = (...line: unknown[]): void => { logged.push(line) }
  return { debug: record, info: record, warn: record, error: record }
}

class OutOfPatience extends Error {}
