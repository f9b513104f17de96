/** The config with its preset filled in, as the rest of the provider reads it. */
import type { LdapProviderConfig } from '../../../schemas/providers/ldap.js'
import { milliseconds } from '../../../src/authn/duration.js'
import { domainOf } from './syntax/distinguished-name.js'
import { normalizeFilter } from './syntax/filter.js'
import { isUniqueName, PRESETS, type GroupMode, type Preset, type PresetName } from './presets.js'

export interface UserSettings {
  readonly template: string
  readonly baseDN: string
  readonly filter: string
  readonly scope: 'sub' | 'one'
  readonly username: string
  readonly uid: string | undefined
  /** Key of `extra` → attribute. */
  readonly extra: Readonly<Record<string, string>>
}

export interface GroupSettings {
  readonly mode: GroupMode
  readonly baseDN: string
  readonly filter: string
  readonly nameAttribute: string
  /** The directory lets no two groups of a domain have one. */
  readonly uniqueNames: boolean
  readonly nested: number
  readonly include: RegExp | undefined
  /** A name or a DN; empty: everybody gets in. */
  readonly required: string
}

/** Milliseconds. */
export interface Timeouts {
  readonly connect: number
  readonly bind: number
  readonly search: number
}

export interface PoolSettings {
  readonly min: number
  readonly max: number
  /** Milliseconds. */
  readonly idle: number
  /** Milliseconds. */
  readonly age: number
}

export interface LdapSettings {
  readonly presetName: PresetName
  readonly preset: Preset
  readonly user: UserSettings
  readonly groups: GroupSettings
  readonly timeouts: Timeouts
  readonly pool: PoolSettings
  /** 0: searches are not paged. */
  readonly pageSize: number
  /** Empty: anonymous. */
  readonly bindDN: string
  /** Nobody but the users themselves can read their entries. */
  readonly readsAsUser: boolean
  readonly maxBadPasswordCount: number | undefined
}

/** What a field is when neither the config nor the preset says. The errors of inspection.ts come first, so it is never used. */
const MISSING = ''

export function resolveSettings (config: LdapProviderConfig): LdapSettings {
  const preset = PRESETS[config.preset]
  const { timeouts, pool, bindDN, userDNTemplate } = config
  return {
    presetName: config.preset,
    preset,
    user: userSettings(config, preset),
    groups: groupSettings(config, preset),
    timeouts: { connect: milliseconds(timeouts.connect), bind: milliseconds(timeouts.bind), search: milliseconds(timeouts.search) },
    pool: { min: Math.min(pool.min, pool.max), max: pool.max, idle: milliseconds(pool.idle), age: milliseconds(pool.age) },
    pageSize: config.pageSize,
    bindDN,
    readsAsUser: userDNTemplate !== '' && bindDN === '',
    maxBadPasswordCount: config.maxBadPasswordCount
  }
}

function userSettings ({ userSearch, userDNTemplate }: LdapProviderConfig, preset: Preset): UserSettings {
  const { attributes } = userSearch
  return {
    template: userDNTemplate,
    baseDN: userSearch.baseDN,
    filter: normalizeFilter(userSearch.filter ?? preset.userFilter ?? MISSING),
    scope: userSearch.scope,
    username: attributes.username ?? preset.username ?? MISSING,
    uid: attributes.uid ?? preset.uid,
    extra: attributes.extra
  }
}

function groupSettings ({ preset: name, groupSearch, requireGroup, userSearch, userDNTemplate }: LdapProviderConfig, preset: Preset): GroupSettings {
  const nameAttribute = groupSearch.nameAttribute ?? preset.groupName ?? MISSING
  // groups of Active Directory lie anywhere in the domain, and their account names are unique there
  const domain = name === 'activeDirectory' ? domainOf(userSearch.baseDN || userDNTemplate) : ''
  return {
    mode: groupSearch.mode ?? preset.groupMode ?? 'none',
    baseDN: groupSearch.baseDN || domain,
    filter: normalizeFilter(groupSearch.filter ?? preset.groupFilter ?? MISSING),
    nameAttribute,
    uniqueNames: isUniqueName(nameAttribute, name),
    nested: groupSearch.nested,
    include: groupSearch.include === '' ? undefined : new RegExp(groupSearch.include, 'u'),
    required: requireGroup
  }
}
