/** A service account that the directory refuses: what is wrong with it, in words. */
import { test } from 'tap'
import { serviceBindError } from '../../../../plugins/providers/ldap/connection/bind-outcome.js'
import { openLdap, openldapConfig } from '../../../fixtures/ldap.js'
import { alice } from '../../../fixtures/people.js'
import { startSlapd, SUFFIX } from '../../../fixtures/slapd.js'

const account = (name: string, more: string): string => `
dn: cn=${name},${SUFFIX}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: ${name}
userPassword: canary-service-password
${more}
`

test('OpenLDAP with a password policy', async t => {
  const tree = account('expired', `pwdPolicySubentry: cn=ageing,${SUFFIX}\npwdChangedTime: 20200101000000Z`) +
    account('fresh', `pwdPolicySubentry: cn=resetting,${SUFFIX}\npwdReset: TRUE`) +
    account('locked', `pwdPolicySubentry: cn=strict,${SUFFIX}\npwdAccountLockedTime: 000001010000Z`) +
    `\ndn: cn=keyless,${SUFFIX}\nobjectClass: organizationalRole\ncn: keyless\n`
  const slapd = await startSlapd(t, { tree, policy: 'ppolicy_use_lockout' })
  if (slapd === undefined) return
  for (const [name, bindDN, bindPassword, expected] of [
    ['a password that has expired', `cn=expired,${SUFFIX}`, 'canary-service-password', /: the password has expired \(InvalidCredentialsError 49\); set a new password in the directory and in bindPassword$/],
    ['a password that must be changed', `cn=fresh,${SUFFIX}`, 'canary-service-password', /: the password must be changed first; set a new password in the directory and in bindPassword$/],
    ['an account that is locked', `cn=locked,${SUFFIX}`, 'canary-service-password', /: the account is locked \(InvalidCredentialsError 49\); unlock the account in the directory, and find the client that uses a wrong password for it$/],
    ['a wrong password', `cn=reader,${SUFFIX}`, 'canary-wrong', /: bindDN or bindPassword is wrong \(InvalidCredentialsError 49\)$/],
    ['an account that is not there', `cn=nobody,${SUFFIX}`, 'canary-wrong', /: bindDN or bindPassword is wrong \(InvalidCredentialsError 49\)$/],
    ['an account without a password', `cn=keyless,${SUFFIX}`, 'canary-wrong', /: InappropriateAuthError 48$|: bindDN or bindPassword is wrong \(InvalidCredentialsError 49\)$/]
  ] as const) {
    const { ask, events, logged } = await openLdap(t, openldapConfig(slapd, { bindDN, bindPassword, pool: { min: 0 } }))
    await t.rejects(ask('alice', alice.password), { code: 'AUTHN_DIRECTORY', message: expected }, name)
    t.strictSame(events, ['service-bind-rejected'], name)
    t.match(logged.join('\n'), /error: the directory rejects the service account/)
    await t.rejects(ask('alice', alice.password), { message: /^the directory rejected the service account cn=\w+,\S+ \(.+\); next attempt in \d+ s/ }, 'and not again for a while')
  }
})

test('Active Directory and 389-ds', async t => {
  const microsoft = (data: string): string => `InvalidCredentialsError 49: 80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data ${data}, v4563`
  for (const [name, code, message, expected] of [
    ['success', 0, '', undefined],
    ['52e', 49, microsoft('52e'), /^bindDN or bindPassword is wrong \(Inv/],
    ['525', 49, microsoft('525'), /^bindDN or bindPassword is wrong \(Inv/],
    ['530', 49, microsoft('530'), /^the account may not log in at this hour \(Inv.*\); allow the account in the directory$/],
    ['532', 49, microsoft('532'), /^the password has expired \(Inv/],
    ['533', 49, microsoft('533'), /^the account is disabled \(Inv.*\); allow the account in the directory$/],
    ['701', 49, microsoft('701'), /^the account has expired \(Inv.*\); extend the account in the directory$/],
    ['773', 49, microsoft('773'), /^the password must be changed first \(Inv/],
    ['775', 49, microsoft('775'), /^the account is locked \(Inv/],
    ['51f, no logon server', 49, microsoft('51f'), /^InvalidCredentialsError 49: 8009/],
    ['inactivated', 53, 'UnwillingToPerformError 53: Account inactivated.', /^the account is inactivated \(Unw/],
    ['too many tries', 19, 'ConstraintViolationError 19: Exceed password retry limit.', /^too many wrong passwords \(Con/],
    ['something else', 1, 'OperationsError 1', /^OperationsError 1$/]
  ] as const) t.match(serviceBindError({ code, rawMessage: message, message, policy: undefined }) ?? 'none', expected ?? /^none$/, name)
})
