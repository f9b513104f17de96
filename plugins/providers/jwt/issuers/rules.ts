/**
 * The validation rules of the API server for authenticators
 * (`ValidateAuthenticationConfiguration` in k8s.io/apiserver) that a schema can't
 * express, and those for our own fields. A config that is valid there is valid
 * here, except for URLs and CAs that only fail later there.
 */
import type { ClaimOrExpression, ClaimValidationRule, PrefixedClaimOrExpression } from '../../../../schemas/authentication-configuration.js'
import type { JwtAuthenticator } from '../../../../schemas/providers/jwt.js'
import type { Finding } from '../../../../src/authn/provider.js'
import { isReservedKey } from '../../../../src/authn/reserved.js'
import { compileExpression, ExpressionError, type Expression, type ResultType, type Variable } from '../cel/expression.js'
import { validateIssuerFields } from './issuer-rules.js'

/** Characters; RFC 1123. */
const MAX_DOMAIN = 253

/** @param base path of the list */
export function validateIssuers (authenticators: readonly JwtAuthenticator[], base = 'issuers'): Finding[] {
  return [
    ...authenticators.flatMap((authenticator, index) => validateIssuer(authenticator, `${base}[${index}]`)),
    ...validateUnique(authenticators, base)
  ]
}

/** The rules for one authenticator. */
export function validateIssuer (authenticator: JwtAuthenticator, path: string): Finding[] {
  return [...validateAuthenticator(authenticator, path)]
}

/** A token is routed by its issuer, so each issuer has one authenticator. */
export function validateUnique (authenticators: readonly JwtAuthenticator[], base: string): Finding[] {
  return (['url', 'discoveryURL'] as const).flatMap(field =>
    [...findDuplicates(authenticators.map(({ issuer }) => issuer[field]), index => `${base}[${index}].issuer.${field}`)])
}

function * validateAuthenticator ({ issuer, jwksFile, claimValidationRules, claimMappings, userValidationRules }: JwtAuthenticator, path: string): Generator<Finding> {
  const mappings = `${path}.claimMappings`
  yield * validateIssuerFields(issuer, jwksFile, `${path}.issuer`)
  yield * findDuplicates(issuer.audiences, index => `${path}.issuer.audiences[${index}]`)
  const rules = yield * validateClaimRules(claimValidationRules, `${path}.claimValidationRules`)
  const username = yield * validateMapping(claimMappings.username, `${mappings}.username`, 'string')
  if (!isSet(claimMappings.username.claim) && !isSet(claimMappings.username.expression)) yield { path: `${mappings}.username`, message: 'requires claim or expression' }
  if (claimMappings.groups !== undefined) yield * validateMapping(claimMappings.groups, `${mappings}.groups`, 'strings')
  if (claimMappings.uid !== undefined) yield * validateUid(claimMappings.uid, `${mappings}.uid`)
  const extra = yield * validateExtra(claimMappings.extra, `${mappings}.extra`)
  if (username !== undefined && reads(username, 'email') && ![username, ...extra, ...rules].some(expression => reads(expression, 'email_verified'))) {
    yield { path: `${mappings}.username.expression`, message: 'uses claims.email, so claims.email_verified must be used here, in extra or in claimValidationRules: otherwise anyone can claim the address of someone else; for example, add the rule "claims.?email_verified.orValue(true) == true"' }
  }
  yield * validateUserRules(userValidationRules, `${path}.userValidationRules`)
}

function * validateClaimRules (rules: readonly ClaimValidationRule[], path: string): Generator<Finding, Expression[]> {
  const expressions: Expression[] = []
  for (const [index, rule] of rules.entries()) {
    const at = `${path}[${index}]`
    if (isSet(rule.claim) && isSet(rule.expression)) yield { path: at, message: 'has claim and expression: use one of them' }
    else if (isSet(rule.claim)) yield * validateRequiredClaim(rule, at)
    else if (!isSet(rule.expression)) yield { path: at, message: 'requires claim or expression' }
    else {
      if (isSet(rule.requiredValue)) yield { path: `${at}.requiredValue`, message: 'is only for a rule with claim' }
      const expression = yield * compile(rule.expression, 'claims', 'bool', `${at}.expression`)
      if (expression !== undefined) expressions.push(expression)
    }
  }
  yield * findDuplicates(rules.map(({ claim }) => claim), index => `${path}[${index}].claim`)
  yield * findDuplicates(rules.map(({ expression }) => expression), index => `${path}[${index}].expression`)
  return expressions
}

function * validateRequiredClaim ({ message, requiredValue }: ClaimValidationRule, path: string): Generator<Finding> {
  if (isSet(message)) yield { path: `${path}.message`, message: 'is only for a rule with expression' }
  if (requiredValue === undefined) yield { path: `${path}.requiredValue`, message: 'is not set: as in the API server, the claim must be the empty string', warning: true }
}

function * validateMapping ({ claim, prefix, expression }: PrefixedClaimOrExpression, path: string, result: ResultType): Generator<Finding, Expression | undefined> {
  if (isSet(expression)) {
    if (isSet(claim)) {
      yield { path, message: 'has claim and expression: use one of them' }
      return undefined
    }
    if (prefix !== undefined) yield { path: `${path}.prefix`, message: 'is only for a mapping with claim; put the prefix into the expression' }
    return yield * compile(expression, 'claims', result, `${path}.expression`)
  }
  if (isSet(claim) && prefix === undefined) yield { path: `${path}.prefix`, message: 'is required when claim is set; it may be empty' }
  return undefined
}

function * validateUid ({ claim, expression }: ClaimOrExpression, path: string): Generator<Finding> {
  if (isSet(claim) && isSet(expression)) yield { path, message: 'has claim and expression: use one of them' }
  else if (isSet(expression)) yield * compile(expression, 'claims', 'string', `${path}.expression`)
}

function * validateExtra (extra: JwtAuthenticator['claimMappings']['extra'], path: string): Generator<Finding, Expression[]> {
  const expressions: Expression[] = []
  for (const [index, { key, valueExpression }] of extra.entries()) {
    if (key.indexOf('/') > MAX_DOMAIN) yield { path: `${path}[${index}].key`, message: `has a domain of more than ${MAX_DOMAIN} characters` }
    if (isReservedKey(key)) yield { path: `${path}[${index}].key`, message: 'is reserved: keys under kubernetes.io and k8s.io are for Kubernetes' }
    const expression = yield * compile(valueExpression, 'claims', 'strings', `${path}[${index}].valueExpression`)
    if (expression !== undefined) expressions.push(expression)
  }
  yield * findDuplicates(extra.map(({ key }) => key), index => `${path}[${index}].key`)
  return expressions
}

function * validateUserRules (rules: JwtAuthenticator['userValidationRules'], path: string): Generator<Finding> {
  for (const [index, { expression }] of rules.entries()) yield * compile(expression, 'user', 'bool', `${path}[${index}].expression`)
  yield * findDuplicates(rules.map(({ expression }) => expression), index => `${path}[${index}].expression`)
}

function * compile (source: string, variable: Variable, result: ResultType, path: string): Generator<Finding, Expression | undefined> {
  try {
    return compileExpression(source, variable, result)
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    yield { path, message: error.message }
    return undefined
  }
}

function * findDuplicates (values: ReadonlyArray<string | undefined>, pathOf: (index: number) => string): Generator<Finding> {
  const first = new Map<string, string>()
  for (const [index, value] of values.entries()) {
    if (!isSet(value)) continue
    const path = pathOf(index)
    const other = first.get(value)
    if (other === undefined) first.set(value, path)
    else yield { path, message: `is the same as ${other}` }
  }
}

/** Whether an expression reads a claim, or a part of it. */
function reads (expression: Expression, claim: string): boolean {
  return [...expression.reads].some(path => path === claim || path.startsWith(`${claim}.`))
}

function isSet (text: string | undefined): text is string {
  return text !== undefined && text !== ''
}
