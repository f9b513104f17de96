/** A third party's provider, for answers and failures that no provider of ours gives. */
import { hash } from 'node:crypto'
import type { UserInfo } from '../../schemas/token-review.js'
import { digestToken } from '../../src/authn/token-digest.js'

const MODULE = `
import { readFile } from 'node:fs/promises'
export default {
  contract: 1,
  kind: 'third-party',
  schema: { type: 'object', properties: { answers: { type: 'string' } }, required: ['answers'] },
  open: ({ answers }, { resolvePath }) => ({
    // read at each question: while the file is away, it can't tell
    authenticateToken: async token => JSON.parse(await readFile(resolvePath(answers), 'utf8'))[token] ?? null
  })
}
`

/** For `files` of the webhook; several providers may share it. */
export const thirdPartyFile = { 'third-party.mjs': MODULE }

/** @param answers a file beside the config, from tokens to answers */
export function thirdParty (name: string, answers: string, entry: object = {}): object {
  return { name, kind: 'module', from: './third-party.mjs', config: { answers }, ...entry }
}

/** The token by which a source knows what the test calls `what`. */
export function tokenOf (source: string, what: string): string {
  return `${source}.${hash('sha256', what)}`
}

/** An entry of a users file with such a token. */
export function entryOf (source: string, what: string, user: UserInfo, token: object = {}): object {
  return { ...user, tokens: [{ name: 'laptop', hash: digestToken(tokenOf(source, what)), ...token }] }
}

/** A file of answers, by such tokens. */
export function answersOf (source: string, answers: Record<string, unknown>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(answers).map(([what, answer]) => [tokenOf(source, what), answer])))
}
