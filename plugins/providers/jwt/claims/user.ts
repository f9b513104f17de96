/** Maps the claims of a verified token to a user: `claimMappings` of Kubernetes' JWTAuthenticator. */
import type { UserInfo } from '../../../../src/authn/provider.js'
import type { Expression } from '../cel/expression.js'
import type { IssuerSettings, Mapping, UidMapping } from '../issuers/issuer-settings.js'
import { memberOf, type JsonObject } from '../../../../src/authn/jwt/json.js'
import { ClaimError } from './claim-error.js'

/** Takes one sentence a call, for a person who asks. */
export type Explain = ((sentence: string) => void) | undefined

/** @throws ClaimError */
export function userOf (claims: JsonObject, settings: IssuerSettings, explain: Explain): UserInfo {
  const username = usernameOf(claims, settings.username)
  const groups = settings.groups && groupsOf(claims, settings.groups)
  const uid = settings.uid && uidOf(claims, settings.uid)
  const extra = extraOf(claims, settings.extra)
  explain?.(`username ${username} from ${sourceOf(settings.username)}`)
  if (settings.groups !== undefined) explain?.(`groups ${JSON.stringify(groups)} from ${sourceOf(settings.groups)}`)
  if (settings.uid !== undefined) explain?.(`uid ${uid} from ${sourceOf(settings.uid)}`)
  for (const { key, expression } of settings.extra) explain?.(`extra ${key} ${JSON.stringify(extra[key] ?? [])} from the expression ${expression.source}`)
  return {
    username,
    ...uid !== undefined && { uid },
    ...groups !== undefined && groups.length > 0 && { groups },
    ...Object.keys(extra).length > 0 && { extra }
  }
}

function sourceOf (mapping: UidMapping): string {
  return 'expression' in mapping ? `the expression ${mapping.expression.source}` : `the claim ${mapping.claim}`
}

function usernameOf (claims: JsonObject, mapping: Mapping): string {
  if ('expression' in mapping) return nonEmpty(evaluate(mapping.expression, claims, 'username'), 'the username expression')
  // as the API server does: an address that nobody has verified is anyone's
  if (mapping.claim === 'email' && (memberOf(claims, 'email_verified') ?? true) !== true) throw new ClaimError('the claim email_verified is not true')
  return mapping.prefix + nonEmpty(memberOf(claims, mapping.claim), `the claim ${mapping.claim}`)
}

function groupsOf (claims: JsonObject, mapping: Mapping): string[] {
  if ('expression' in mapping) return stringsOf(evaluate(mapping.expression, claims, 'groups'), 'the groups expression')
  const { prefix } = mapping
  return stringsOf(memberOf(claims, mapping.claim), `the claim ${mapping.claim}`).map(group => prefix + group)
}

function uidOf (claims: JsonObject, mapping: UidMapping): string {
  return 'expression' in mapping
    ? stringOf(evaluate(mapping.expression, claims, 'uid'), 'the uid expression')
    : nonEmpty(memberOf(claims, mapping.claim), `the claim ${mapping.claim}`)
}

function extraOf (claims: JsonObject, mappings: IssuerSettings['extra']): Record<string, string[]> {
  const values = mappings.map(({ key, expression }) => [key, stringsOf(evaluate(expression, claims, key), `the expression of extra ${key}`)] as const)
  return Object.fromEntries(values.filter(([, each]) => each.length > 0))
}

function evaluate (expression: Expression, claims: JsonObject, what: string): unknown {
  try {
    return expression.evaluate(claims)
  } catch (error) {
    throw new ClaimError(`the expression of ${what} failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

/** A string or a list of strings; nothing, null and the empty string are an empty list. */
function stringsOf (value: unknown, what: string): string[] {
  if (value === undefined || value === null || value === '') return []
  const values = [value].flat()
  if (!values.every(each => typeof each === 'string')) throw new ClaimError(`${what} is not a string or a list of strings`)
  return values.filter(each => each !== '')
}

function stringOf (value: unknown, what: string): string {
  if (typeof value !== 'string') throw new ClaimError(`${what} is ${value === undefined ? 'missing' : 'not a string'}`)
  return value
}

function nonEmpty (value: unknown, what: string): string {
  const text = stringOf(value, what)
  if (text === '') throw new ClaimError(`${what} is empty`)
  return text
}
