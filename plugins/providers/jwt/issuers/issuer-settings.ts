/** Authenticators of the config, compiled for the rest of the provider. */
import type { ClaimOrExpression, ClaimValidationRule, PrefixedClaimOrExpression } from '../../../../schemas/authentication-configuration.js'
import type { JwtAuthenticator } from '../../../../schemas/providers/jwt.js'
import { milliseconds } from '../../../../src/authn/duration.js'
import type { OpenContext } from '../../../../src/authn/provider.js'
import { compileExpression, type Expression, type ResultType } from '../cel/expression.js'

export interface IssuerSettings {
  readonly url: string
  readonly discoveryURL: string | undefined
  /** PEM. */
  readonly certificateAuthority: string | undefined
  /** Absolute, as `jwksFile`. */
  readonly certificateAuthorityFile: string | undefined
  readonly jwksFile: string | undefined
  readonly audiences: readonly string[]
  /** Seconds. */
  readonly clockSkew: number
  /** Milliseconds. */
  readonly maxKeyAge: number
  readonly onGroupOverage: 'deny' | 'omit'
  readonly claimRules: readonly ClaimRule[]
  readonly username: Mapping
  readonly groups: Mapping | undefined
  readonly uid: UidMapping | undefined
  readonly extra: readonly ExtraMapping[]
  readonly userRules: readonly ExpressionRule[]
}

export interface ExpressionRule {
  readonly expression: Expression
  readonly message: string
}

export type ClaimRule = ExpressionRule | { readonly claim: string, readonly requiredValue: string }

export type Mapping = { readonly expression: Expression } | { readonly claim: string, readonly prefix: string }

export type UidMapping = { readonly expression: Expression } | { readonly claim: string }

export interface ExtraMapping {
  readonly key: string
  readonly expression: Expression
}

/** @param authenticators without findings of `validateIssuers`, except for warnings */
export function resolveIssuers (authenticators: readonly JwtAuthenticator[], resolvePath: OpenContext['resolvePath']): IssuerSettings[] {
  return authenticators.map(authenticator => resolveIssuer(authenticator, resolvePath))
}

function resolveIssuer (authenticator: JwtAuthenticator, resolvePath: OpenContext['resolvePath']): IssuerSettings {
  const { issuer, claimMappings, jwksFile } = authenticator
  const { certificateAuthorityFile } = issuer
  return {
    url: issuer.url,
    discoveryURL: issuer.discoveryURL || undefined,
    certificateAuthority: issuer.certificateAuthority || undefined,
    certificateAuthorityFile: certificateAuthorityFile && resolvePath(certificateAuthorityFile),
    jwksFile: jwksFile && resolvePath(jwksFile),
    audiences: issuer.audiences,
    clockSkew: milliseconds(authenticator.clockSkew) / 1000,
    maxKeyAge: milliseconds(authenticator.maxKeyAge),
    onGroupOverage: authenticator.onGroupOverage,
    claimRules: authenticator.claimValidationRules.map(resolveClaimRule),
    // validateIssuers rejects a mapping that is not set
    username: resolveMapping(claimMappings.username, 'string')!,
    groups: claimMappings.groups && resolveMapping(claimMappings.groups, 'strings'),
    uid: claimMappings.uid && resolveUid(claimMappings.uid),
    extra: claimMappings.extra.map(({ key, valueExpression }) => ({ key, expression: compileExpression(valueExpression, 'claims', 'strings') })),
    userRules: authenticator.userValidationRules.map(({ expression, message }) => resolveRule(compileExpression(expression, 'user', 'bool'), message))
  }
}

function resolveClaimRule ({ claim, requiredValue = '', expression, message }: ClaimValidationRule): ClaimRule {
  return expression ? resolveRule(compileExpression(expression, 'claims', 'bool'), message) : { claim: claim!, requiredValue }
}

function resolveRule (expression: Expression, message: string | undefined): ExpressionRule {
  return { expression, message: message || `not true: ${expression.source}` }
}

function resolveMapping ({ claim, prefix = '', expression }: PrefixedClaimOrExpression, result: ResultType): Mapping | undefined {
  if (expression) return { expression: compileExpression(expression, 'claims', result) }
  return claim ? { claim, prefix } : undefined
}

function resolveUid ({ claim, expression }: ClaimOrExpression): UidMapping | undefined {
  if (expression) return { expression: compileExpression(expression, 'claims', 'string') }
  return claim ? { claim } : undefined
}
