/** `claimValidationRules` and `userValidationRules` of Kubernetes' JWTAuthenticator. */
import type { UserInfo } from '../../../../src/authn/provider.js'
import type { ClaimRule, ExpressionRule } from '../issuers/issuer-settings.js'
import { memberOf, type JsonObject } from '../../../../src/authn/jwt/json.js'
import { ClaimError } from './claim-error.js'
import type { Explain } from './user.js'

/** @throws ClaimError for the first rule that fails */
export function checkClaims (claims: JsonObject, rules: readonly ClaimRule[], explain: Explain): void {
  for (const rule of rules) {
    if ('expression' in rule) check(rule, claims, explain)
    else report(`${rule.claim} = ${JSON.stringify(rule.requiredValue)}`, memberOf(claims, rule.claim) === rule.requiredValue, `the claim ${rule.claim} is ${JSON.stringify(memberOf(claims, rule.claim)) ?? 'absent'}, not ${JSON.stringify(rule.requiredValue)}`, explain)
  }
}

/** @throws ClaimError for the first rule that fails */
export function checkUser ({ username, uid = '', groups = [], extra = {} }: UserInfo, rules: readonly ExpressionRule[], explain: Explain): void {
  for (const rule of rules) check(rule, { username, uid, groups, extra }, explain)
}

function check ({ expression, message }: ExpressionRule, input: object, explain: Explain): void {
  let holds: boolean
  try {
    holds = expression.evaluate(input) === true
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    explain?.(`rule ${expression.source}: ${why}`)
    throw new ClaimError(`a validation rule failed: ${expression.source}: ${why}`, { cause: error })
  }
  report(expression.source, holds, message, explain)
}

function report (rule: string, holds: boolean, message: string, explain: Explain): void {
  explain?.(`rule ${rule}: ${holds ? 'met' : 'not met'}`)
  if (!holds) throw new ClaimError(message)
}
