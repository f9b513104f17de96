/**
 * What the schema can't say of the config: rules across fields, the syntax of
 * filters and DNs, and what is allowed but probably a mistake. Nothing is asked of
 * the directory.
 */
import type { LdapProviderConfig } from '../../../schemas/providers/ldap.js'
import { parseDuration } from '../../../src/authn/duration.js'
import type { Finding, ValidateContext } from '../../../src/authn/provider.js'
import { isUnder, parseDN } from './syntax/distinguished-name.js'
import { comparisonsOf, filterError, placeholdersOf } from './syntax/filter.js'
import { attributesIn, fillGroupFilter } from './groups/group-filter.js'
import { isSelfWritable, PRESETS } from './presets.js'
import { resolveSettings, type LdapSettings } from './settings.js'

export function validate (config: LdapProviderConfig, { timeout }: ValidateContext): Finding[] {
  const findings = [...inspectHosts(config), ...inspectServiceAccount(config), ...inspectDNs(config)]
  findings.push(...inspectLimits(config, timeout))
  const unsettled = [...inspectInclude(config)]
  if (unsettled.length > 0) return [...findings, ...unsettled]
  const settings = resolveSettings(config)
  return [...findings, ...inspectUserSearch(config, settings), ...inspectGroupSearch(config, settings), ...inspectAttributes(settings)]
}

function * inspectHosts ({ urls, tls }: LdapProviderConfig): Generator<Finding> {
  const scheme = tls.mode === 'ldaps' ? 'ldaps:' : 'ldap:'
  for (const [index, url] of urls.entries()) {
    const path = `urls[${index}]`
    if (!URL.canParse(url)) yield { path, message: 'is not a URL such as ldaps://dc1.example.com' }
    else if (new URL(url).protocol !== scheme) yield { path, message: `must start with ${scheme}// where tls.mode is ${tls.mode}` }
    else if (OTHER_PORTS[scheme]!.includes(new URL(url).port)) yield { path, message: `port ${new URL(url).port} is usually one for ${scheme === 'ldaps:' ? 'ldap' : 'ldaps'}://`, warning: true }
  }
  if (tls.mode === 'none' && !tls.insecure) yield { path: 'tls.mode', message: 'sends every password in plaintext; write "insecure: true" beside it if that is what you want' }
  if (tls.mode !== 'none' && tls.insecure) yield { path: 'tls.insecure', message: 'is for "mode: none" alone' }
  if (tls.certFile !== undefined && tls.keyFile === undefined) yield { path: 'tls.keyFile', message: 'is required when tls.certFile is set' }
  if (tls.keyFile !== undefined && tls.certFile === undefined) yield { path: 'tls.certFile', message: 'is required when tls.keyFile is set' }
  if (tls.mode === 'none' && tls.certFile !== undefined) yield { path: 'tls.certFile', message: 'needs TLS: set tls.mode to ldaps or startTLS' }
  if (tls.mode === 'none' && tls.insecure) yield { path: 'tls.mode', message: 'passwords travel in plaintext between here and the directory', warning: true }
  if (tls.insecureSkipVerify) yield { path: 'tls.insecureSkipVerify', message: 'whoever is between here and the directory can read every password', warning: true }
}

/** Ports of a directory and of a global catalog that are for the other scheme. */
const OTHER_PORTS: Readonly<Record<string, readonly string[]>> = { 'ldaps:': ['389', '3268'], 'ldap:': ['636', '3269'] }

function * inspectServiceAccount ({ bindDN, bindPassword, userDNTemplate, maxBadPasswordCount }: LdapProviderConfig): Generator<Finding> {
  if (bindDN !== '' && bindPassword === undefined) yield { path: 'bindPassword', message: 'is missing: a bind without a password is anonymous, whatever the DN' }
  if (bindDN === '' && bindPassword !== undefined) yield { path: 'bindDN', message: 'is missing: the password is whose?' }
  // a bare word could be the name of a SASL mechanism
  if (bindDN !== '' && !/[=@\\]/.test(bindDN)) yield { path: 'bindDN', message: 'is not a DN; Active Directory also takes reader@example.com' }
  if (maxBadPasswordCount !== undefined && bindDN === '' && userDNTemplate !== '') yield { path: 'maxBadPasswordCount', message: 'needs a service account (bindDN), which reads the counter before a bind' }
}

function * inspectLimits ({ timeouts, pool, groupSearch }: LdapProviderConfig, whole: string): Generator<Finding> {
  for (const [step, time] of Object.entries(timeouts)) {
    if (parseDuration(time)! > (parseDuration(whole) ?? Infinity)) yield { path: `timeouts.${step}`, message: `is ${time}, and must not be longer than the provider's timeout, ${whole}` }
  }
  if (pool.min > pool.max) yield { path: 'pool.min', message: 'must not be more than pool.max' }
  if (groupSearch.mode === 'none' && groupSearch.nested > 0) yield { path: 'groupSearch.nested', message: 'needs groups; groupSearch.mode is none' }
}

function * inspectDNs ({ userSearch, groupSearch, userDNTemplate, requireGroup }: LdapProviderConfig): Generator<Finding> {
  const names = { 'userSearch.baseDN': userSearch.baseDN, 'groupSearch.baseDN': groupSearch.baseDN, requireGroup: requireGroup.includes('=') ? requireGroup : '' }
  for (const [path, name] of Object.entries(names)) {
    if (parseDN(name) === undefined) yield { path, message: 'is not a DN such as ou=people,dc=example,dc=com' }
  }
  if (userDNTemplate === '') return
  const [first, ...others] = parseDN(userDNTemplate) ?? []
  const whole = first?.length === 1 && first[0]?.value === '{username}'
  if (!whole || others.some(parts => parts.some(({ value }) => value.includes('{username}')))) {
    yield { path: 'userDNTemplate', message: 'is not a DN that begins with a name of {username}, such as uid={username},ou=people,dc=example,dc=com' }
  }
}

function * inspectInclude ({ groupSearch: { include } }: LdapProviderConfig): Generator<Finding> {
  try {
    RegExp(include, 'u')
  } catch (error) {
    yield { path: 'groupSearch.include', message: (error as Error).message }
  }
}

function * inspectUserSearch ({ preset, userSearch }: LdapProviderConfig, { user }: LdapSettings): Generator<Finding> {
  if (user.username === '') yield { path: 'userSearch.attributes.username', message: `is missing: ${NO_PRESET}` }
  if (user.template !== '') {
    if (userSearch.filter !== undefined) yield { path: 'userSearch.filter', message: 'does nothing beside userDNTemplate' }
    return
  }
  if (user.filter === '') return yield { path: 'userSearch.filter', message: `is missing: ${NO_PRESET}` }
  if (user.baseDN === '') yield { path: 'userSearch.baseDN', message: `is missing${preset === 'activeDirectory' ? ': the domain, DC=example,DC=com, or a container in it' : ''}` }
  const error = filterError(user.filter, ['username'])
  const comparisons = comparisonsOf(user.filter)
  if (error !== undefined) yield { path: 'userSearch.filter', message: error }
  else if (comparisons.length < placeholdersOf(user.filter).length || comparisons.length === 0) yield { path: 'userSearch.filter', message: 'needs {username} as a value, such as (uid={username})' }
  else if (comparisons.some(({ value }) => value.includes('*'))) yield { path: 'userSearch.filter', message: 'has a wildcard beside {username}: it would find others too' }
}

const NO_PRESET = 'no preset fills it in; there are openldap, activeDirectory and freeIPA'

function * inspectGroupSearch ({ preset, groupSearch }: LdapProviderConfig, { groups, readsAsUser }: LdapSettings): Generator<Finding> {
  const { mode } = groups
  if (groupSearch.mode === undefined && PRESETS[preset].groupMode === undefined) yield { path: 'groupSearch.mode', message: `is missing: ${NO_PRESET}; none: users have no groups` }
  if (mode === 'none') {
    if (groups.required !== '') yield { path: 'requireGroup', message: 'needs groups; groupSearch.mode is none' }
    return
  }
  if (groups.nameAttribute === '') return yield { path: 'groupSearch.nameAttribute', message: `is missing: ${NO_PRESET}` }
  if (groups.baseDN === '' && !groups.uniqueNames) {
    yield { path: 'groupSearch.baseDN', message: `is missing: ${groups.nameAttribute} is unique only inside a container, so whoever may make groups elsewhere could make a namesake` }
  } else if (groups.baseDN === '' && mode !== 'memberOf') yield { path: 'groupSearch.baseDN', message: 'is missing' }
  if (groups.required.includes('=') && groups.baseDN !== '' && !isUnder(groups.required, groups.baseDN)) {
    yield { path: 'requireGroup', message: `is outside of groupSearch.baseDN, ${groups.baseDN}: nobody can be in it, and nobody could log in` }
  }
  if (groupSearch.filter !== undefined && mode !== 'search') yield { path: 'groupSearch.filter', message: 'is for "mode: search" alone' }
  const error = mode === 'search' ? filterError(groups.filter, ['dn', 'username'], { attributes: true }) : undefined
  if (groups.filter === '' && mode === 'search') yield { path: 'groupSearch.filter', message: `is missing: ${NO_PRESET}` }
  else if (error !== undefined) yield { path: 'groupSearch.filter', message: error }
  else if (mode === 'search' && placeholdersOf(groups.filter).length === 0) yield { path: 'groupSearch.filter', message: 'needs {dn}, {username} or an attribute of the user such as {gidNumber}: else everybody is in every group' }
  else if (mode === 'search' && /\([^()=]*\{/.test(groups.filter)) yield { path: 'groupSearch.filter', message: 'has a placeholder as the name of an attribute; only values are filled in' }
  if (groups.nested === 0) return
  if (mode === 'tokenGroups' || mode === 'inChain') yield { path: 'groupSearch.nested', message: `is for memberOf and search; ${mode} has nesting in it` }
  // a group that is called like a user would stand in for the user
  else if (mode === 'search' && error === undefined && fillGroupFilter(groups.filter, name => name === 'dn' ? ['x'] : []) === undefined) yield { path: 'groupSearch.nested', message: 'needs a filter that can match by {dn} alone: groups in groups are found by it' }
  if (readsAsUser) yield { path: 'groupSearch.nested', message: 'users read their groups themselves, and may not see all of them; a service account (bindDN) may', warning: true }
}

function * inspectAttributes ({ user, groups }: LdapSettings): Generator<Finding> {
  const attributes = {
    'userSearch.attributes.username': user.username,
    'userSearch.attributes.uid': user.uid ?? '',
    ...groups.mode !== 'none' && { 'groupSearch.nameAttribute': groups.nameAttribute },
    ...Object.fromEntries(Object.entries(user.extra).map(([key, attribute]) => [`userSearch.attributes.extra.${key}`, attribute]))
  }
  for (const attribute of groups.mode === 'search' ? new Set(attributesIn(groups.filter)) : []) {
    if (isSelfWritable(attribute)) yield { path: 'groupSearch.filter', message: `many directories let people change ${attribute} in their own entries, and so choose their groups here`, warning: true }
  }
  for (const [path, attribute] of Object.entries(attributes)) {
    if (isSelfWritable(attribute)) yield { path, message: `many directories let people change ${attribute} in their own entries, and so choose what they are here`, warning: true }
  }
}
