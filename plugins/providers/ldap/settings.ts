/** The config with the preset's values filled in, for the rest of the provider. */
import type { LdapProviderConfig } from '../../../schemas/providers/ldap.js'
import { milliseconds } from '../../../src/authn/duration.js'
import { domainOf } from './syntax/distinguished-name.js'
import { normalizeFilter } from './syntax/filter.js'
import { isUniqueName, PRESETS, type Preset } from './presets.js'

export type LdapSettings = Readonly<ReturnType<typeof resolveSettings>>
export type GroupSettings = Readonly<LdapSettings['groups']>
/** Milliseconds. */
export type Timeouts = Readonly<LdapSettings['timeouts']>
/** Times in milliseconds. */
export type PoolSettings = Readonly<LdapSettings['pool']>

export function resolveSettings (config: LdapProviderConfig) {
  const preset = PRESETS[config.preset]
  const { timeouts, pool, pageSize, maxBadPasswordCount } = config
  return {
    presetName: config.preset,
    preset,
    user: userSettings(config, preset),
    groups: groupSettings(config, preset),
    timeouts: { connect: milliseconds(timeouts.connect), bind: milliseconds(timeouts.bind), search: milliseconds(timeouts.search) },
    pool: { min: Math.min(pool.min, pool.max), max: pool.max, idle: milliseconds(pool.idle), age: milliseconds(pool.age) },
    /** 0: searches are not paged. */
    pageSize,
    /** There is no service account: users read their own entries. */
    readsAsUser: config.userDNTemplate !== '' && config.bindDN === '',
    maxBadPasswordCount
  }
}

// empty where neither the config nor the preset has a value: validate() rejects that
function userSettings ({ userSearch, userDNTemplate }: LdapProviderConfig, preset: Preset) {
  const { attributes } = userSearch
  return {
    template: userDNTemplate,
    baseDN: userSearch.baseDN,
    filter: normalizeFilter(userSearch.filter ?? preset.userFilter ?? ''),
    scope: userSearch.scope,
    username: attributes.username ?? preset.username ?? '',
    uid: attributes.uid ?? preset.uid,
    /** Key of `extra` → attribute. */
    extra: attributes.extra
  }
}

function groupSettings ({ preset: name, groupSearch, requireGroup, userSearch, userDNTemplate }: LdapProviderConfig, preset: Preset) {
  const nameAttribute = groupSearch.nameAttribute ?? preset.groupName ?? ''
  // Active Directory's groups are anywhere in the domain, and their account names are unique there
  const domain = name === 'activeDirectory' ? domainOf(userSearch.baseDN || userDNTemplate) : ''
  return {
    mode: groupSearch.mode ?? preset.groupMode ?? 'none',
    baseDN: groupSearch.baseDN || domain,
    filter: normalizeFilter(groupSearch.filter ?? preset.groupFilter ?? ''),
    nameAttribute,
    /** The directory keeps names unique within a domain. */
    uniqueNames: isUniqueName(nameAttribute, name),
    nested: groupSearch.nested,
    include: groupSearch.include === '' ? undefined : new RegExp(groupSearch.include, 'u'),
    /** A name or a DN; empty: none. */
    required: requireGroup
  }
}
