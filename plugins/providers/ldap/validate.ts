/**
 * Validates what the schema can't: rules across fields, the syntax of filters
 * and DNs, and what is allowed but probably a mistake. Contacts no directory.
 */
import type { LdapProviderConfig } from '../../../schemas/providers/ldap.js'
import { milliseconds, parseDuration } from '../../../src/authn/duration.js'
import type { Finding, ValidateContext } from '../../../src/authn/provider.js'
import { messageOf } from '../../../src/errors.js'
import { isUnder, parseDN } from './syntax/distinguished-name.js'
import { comparisonsOf, filterError, placeholdersOf } from './syntax/filter.js'
import { attributesIn, fillGroupFilter } from './groups/group-filter.js'
import { isSelfWritable, PRESETS } from './presets.js'
import { resolveSettings, type LdapSettings } from './settings.js'

const NO_PRESET = 'is required without a preset (openldap, activeDirectory, freeIPA)'

/** Ports of a directory and of a global catalog for the other scheme. */
const OTHER_PORTS: Readonly<Record<string, readonly string[]>> = { 'ldaps:': ['389', '3268'], 'ldap:': ['636', '3269'] }

export function validate (config: LdapProviderConfig, { timeout, needsLookup = false }: ValidateContext): Finding[] {
  const findings = [...validateHosts(config), ...validateTls(config), ...validateServiceAccount(config, needsLookup), ...validateDNs(config), ...validateLimits(config, timeout)]
  try {
    RegExp(config.groupSearch.include, 'u')
  } catch (error) {
    return [...findings, { path: 'groupSearch.include', message: messageOf(error) }]
  }
  const settings = resolveSettings(config)
  return [...findings, ...validateUserSearch(config, settings), ...validateGroups(config, settings), ...validateAttributes(settings)]
}

function * validateHosts ({ urls, tls }: LdapProviderConfig): Generator<Finding> {
  const scheme = tls.mode === 'ldaps' ? 'ldaps:' : 'ldap:'
  for (const [index, url] of urls.entries()) {
    const path = `urls[${index}]`
    if (!URL.canParse(url)) yield { path, message: 'is not a URL such as ldaps://dc1.example.com' }
    else if (new URL(url).protocol !== scheme) yield { path, message: `must start with ${scheme}// when tls.mode is ${tls.mode}` }
    else if (OTHER_PORTS[scheme]!.includes(new URL(url).port)) yield { path, message: `port ${new URL(url).port} is usually for ${scheme === 'ldaps:' ? 'ldap' : 'ldaps'}://`, warning: true }
  }
}

function * validateTls ({ tls }: LdapProviderConfig): Generator<Finding> {
  if (tls.mode === 'none') {
    if (tls.insecure) yield { path: 'tls.mode', message: 'passwords are sent to the directory in plaintext', warning: true }
    else yield { path: 'tls.mode', message: 'sends every password in plaintext: set tls.insecure to true if that is intended' }
    if (tls.certFile !== undefined) yield { path: 'tls.certFile', message: 'needs TLS: set tls.mode to ldaps or startTLS' }
  } else if (tls.insecure) {
    yield { path: 'tls.insecure', message: 'is only for "mode: none"' }
  }
  if (tls.certFile !== undefined && tls.keyFile === undefined) yield { path: 'tls.keyFile', message: 'is required when tls.certFile is set' }
  if (tls.keyFile !== undefined && tls.certFile === undefined) yield { path: 'tls.certFile', message: 'is required when tls.keyFile is set' }
  if (tls.insecureSkipVerify) yield { path: 'tls.insecureSkipVerify', message: 'anyone on the network path to the directory can read every password', warning: true }
}

function * validateServiceAccount ({ bindDN, bindPassword, userDNTemplate, maxBadPasswordCount }: LdapProviderConfig, needsLookup: boolean): Generator<Finding> {
  if (bindDN !== '' && bindPassword === undefined) yield { path: 'bindPassword', message: 'is required when bindDN is set: a bind without a password is anonymous' }
  if (bindDN === '' && bindPassword !== undefined) yield { path: 'bindDN', message: 'is required when bindPassword is set' }
  if (needsLookup && bindDN === '' && userDNTemplate !== '') yield { path: 'bindDN', message: 'is required: groupsFrom of another provider looks up users here, and without a service account only users can read their entries' }
  // ldapts would take a bare word for a SASL mechanism
  if (bindDN !== '' && !/[=@\\]/.test(bindDN)) yield { path: 'bindDN', message: 'is not a DN; Active Directory also accepts reader@example.com' }
  if (maxBadPasswordCount !== undefined && bindDN === '' && userDNTemplate !== '') yield { path: 'maxBadPasswordCount', message: 'needs a service account (bindDN), which reads the counter before each bind' }
}

function * validateLimits ({ timeouts, pool }: LdapProviderConfig, whole: string): Generator<Finding> {
  const longest = parseDuration(whole) ?? Infinity
  for (const [step, time] of Object.entries(timeouts)) {
    if (milliseconds(time) > longest) yield { path: `timeouts.${step}`, message: `is ${time}, and must not be longer than the provider's timeout, ${whole}` }
  }
  if (pool.min > pool.max) yield { path: 'pool.min', message: 'must not be more than pool.max' }
}

function * validateDNs ({ userSearch, groupSearch, userDNTemplate, requireGroup }: LdapProviderConfig): Generator<Finding> {
  const names = { 'userSearch.baseDN': userSearch.baseDN, 'groupSearch.baseDN': groupSearch.baseDN, requireGroup: requireGroup.includes('=') ? requireGroup : '' }
  for (const [path, name] of Object.entries(names)) {
    if (parseDN(name) === undefined) yield { path, message: 'is not a DN such as ou=people,dc=example,dc=com' }
  }
  if (userDNTemplate === '') return
  const [first, ...others] = parseDN(userDNTemplate) ?? []
  const isName = first?.length === 1 && first[0]?.value === '{username}'
  if (!isName || others.some(parts => parts.some(({ value }) => value.includes('{username}')))) {
    yield { path: 'userDNTemplate', message: 'is not a DN with {username} as its first value, such as uid={username},ou=people,dc=example,dc=com' }
  }
}

function * validateUserSearch ({ userSearch }: LdapProviderConfig, { presetName, user }: LdapSettings): Generator<Finding> {
  if (user.username === '') yield { path: 'userSearch.attributes.username', message: NO_PRESET }
  if (user.template !== '') {
    if (userSearch.filter !== undefined) yield { path: 'userSearch.filter', message: 'has no effect with userDNTemplate' }
    return
  }
  if (user.filter === '') return yield { path: 'userSearch.filter', message: NO_PRESET }
  if (user.baseDN === '') yield { path: 'userSearch.baseDN', message: `is required${presetName === 'activeDirectory' ? ': the domain, such as DC=example,DC=com, or a container in it' : ''}` }
  const error = filterError(user.filter, ['username'])
  const comparisons = comparisonsOf(user.filter)
  if (error !== undefined) yield { path: 'userSearch.filter', message: error }
  else if (comparisons.length < placeholdersOf(user.filter).length || comparisons.length === 0) yield { path: 'userSearch.filter', message: 'needs {username} as a value, such as (uid={username})' }
  else if (comparisons.some(({ value }) => value.includes('*'))) yield { path: 'userSearch.filter', message: 'has a wildcard next to {username}, which would match other users' }
}

function * validateGroups (config: LdapProviderConfig, settings: LdapSettings): Generator<Finding> {
  const { preset, groupSearch } = config
  const { mode, baseDN, nameAttribute, required, uniqueNames } = settings.groups
  if (groupSearch.mode === undefined && PRESETS[preset].groupMode === undefined) yield { path: 'groupSearch.mode', message: `${NO_PRESET}; set it to none if users have no groups` }
  if (mode === 'none') {
    for (const [path, isSet] of [['groupSearch.nested', groupSearch.nested > 0], ['requireGroup', required !== '']] as const) {
      if (isSet) yield { path, message: 'needs groups, but groupSearch.mode is none' }
    }
    return
  }
  if (nameAttribute === '') return yield { path: 'groupSearch.nameAttribute', message: NO_PRESET }
  if (baseDN === '' && !uniqueNames) {
    yield { path: 'groupSearch.baseDN', message: `is required: ${nameAttribute} is unique only inside a container, so anyone who can create groups elsewhere could create one of the same name` }
  } else if (baseDN === '' && mode !== 'memberOf') {
    yield { path: 'groupSearch.baseDN', message: 'is required' }
  }
  if (required.includes('=') && baseDN !== '' && !isUnder(required, baseDN)) {
    yield { path: 'requireGroup', message: `is not below groupSearch.baseDN, ${baseDN}: nobody could log in` }
  }
  if (groupSearch.filter !== undefined && mode !== 'search') yield { path: 'groupSearch.filter', message: 'is only for "mode: search"' }
  const error = mode === 'search' ? groupFilterError(settings.groups.filter) : undefined
  if (error !== undefined) yield { path: 'groupSearch.filter', message: error }
  if (groupSearch.nested > 0) yield * validateNesting(settings)
}

function groupFilterError (filter: string): string | undefined {
  if (filter === '') return NO_PRESET
  const error = filterError(filter, ['dn', 'username'], { attributes: true })
  if (error !== undefined) return error
  if (placeholdersOf(filter).length === 0) return 'needs {dn}, {username} or an attribute of the user such as {gidNumber}: otherwise every user is in every group'
  if (/\([^()=]*\{/.test(filter)) return 'has a placeholder in the name of an attribute: only values can be filled in'
  return undefined
}

function * validateNesting ({ groups: { mode, filter }, readsAsUser }: LdapSettings): Generator<Finding> {
  const path = 'groupSearch.nested'
  if (mode === 'tokenGroups' || mode === 'inChain') yield { path, message: `is only for memberOf and search; ${mode} includes nested groups` }
  // by {username}, a group with the name of a user would stand in for the user
  else if (mode === 'search' && groupFilterError(filter) === undefined && fillGroupFilter(filter, name => name === 'dn' ? ['x'] : []) === undefined) yield { path, message: 'needs a filter that works with {dn} alone, such as (member={dn}): it finds the groups that contain a group' }
  if (readsAsUser) yield { path, message: 'users read their groups themselves, and may not see all of them: a service account (bindDN) can', warning: true }
}

function * validateAttributes ({ user, groups }: LdapSettings): Generator<Finding> {
  const identity = {
    'userSearch.attributes.username': user.username,
    'userSearch.attributes.uid': user.uid ?? '',
    ...groups.mode !== 'none' && { 'groupSearch.nameAttribute': groups.nameAttribute },
    ...Object.fromEntries(Object.entries(user.extra).map(([key, attribute]) => [`userSearch.attributes.extra.${key}`, attribute]))
  }
  const inFilter = groups.mode === 'search' ? [...new Set(attributesIn(groups.filter))] : []
  const uses = [...inFilter.map(attribute => ['groupSearch.filter', attribute, 'their groups'] as const), ...Object.entries(identity).map(([path, attribute]) => [path, attribute, 'their identity'] as const)]
  for (const [path, attribute, chosen] of uses) {
    if (isSelfWritable(attribute)) yield { path, message: `many directories let users change ${attribute} in their own entries, and so choose ${chosen}`, warning: true }
  }
}
