/** What people type stays one value, in a DN and in a filter: nobody types structure. */
import fc from 'fast-check'
import { AndFilter, EqualityFilter, FilterParser } from 'ldapts'
import { test } from 'tap'
import { escapeInDN, isUnder, nameInDN, normalizeDN, parseDN } from '../../../../../plugins/providers/ldap/syntax/distinguished-name.js'
import { fillFilter } from '../../../../../plugins/providers/ldap/syntax/filter.js'
import { fillGroupFilter } from '../../../../../plugins/providers/ldap/groups/group-filter.js'
import { holds } from '../../../../fixtures/property.js'

const BASE = 'ou=people,dc=example,dc=test'

/** Much of what has a meaning in a DN or in a filter, and anything else. */
const typed = fc.array(fc.oneof(
  fc.constantFrom(',', '+', '"', '\\', '<', '>', ';', '=', '#', ' ', '\0', '(', ')', '*', '&', '|', '!', '{username}', '{dn}', '\\2c', '\\00', '\\c3\\a9', 'ou=', 'é', '\n', '$&', '$1'),
  fc.string({ unit: 'grapheme', maxLength: 3 })
), { minLength: 1, maxLength: 8 }).map(parts => parts.join(''))

test('in a DN', async t => {
  holds(t, fc.property(typed, value => {
    const dn = `uid=${escapeInDN(value)},${BASE}`
    const names = parseDN(dn)
    return names?.length === 4 && names[0]!.length === 1 && names[0]![0]!.type === 'uid' && names[0]![0]!.value === value &&
      nameInDN(dn, 'UID') === value && isUnder(dn, BASE)
  }), 1000)
})

test('in a DN, beside another value', async t => {
  holds(t, fc.property(typed, typed, (one, other) => {
    const names = parseDN(`cn=${escapeInDN(one)}+uid=${escapeInDN(other)},${BASE}`)
    return names?.length === 4 && names[0]!.map(({ value }) => value).join('\0\0') === [one, other].join('\0\0')
  }))
})

test('a DN is the same in every spelling, and that of somebody else is not', async t => {
  const spellings: Array<(value: string) => string> = [
    value => `uid=${escapeInDN(value)},${BASE}`,
    value => `UID = ${escapeInDN(value)} , OU=People,dc=EXAMPLE, dc=test`,
    value => `uid=${[...Buffer.from(value)].map(byte => `\\${byte.toString(16).padStart(2, '0')}`).join('')},${BASE}`
  ]
  // as directories compare: without regard to case, and a run of spaces is one
  const fold = (value: string): string => value.normalize('NFC').trim().replace(/ +/g, ' ').toLowerCase()
  const changes: Array<(value: string) => string> = [value => value.toUpperCase(), value => value.replaceAll(' ', '   '), value => ` ${value} `, value => `${value}x`, value => `${value}\\`]
  const pair = fc.oneof(fc.tuple(typed, typed), fc.tuple(typed, fc.constantFrom(...changes)).map(([value, change]) => [value, change(value)] as const))
  holds(t, fc.property(pair, ([one, other]) => {
    const [first, ...others] = spellings.map(spell => normalizeDN(spell(one)))
    return others.every(spelling => spelling === first) && (first === normalizeDN(spellings[0]!(other))) === (fold(one) === fold(other))
  }), 1000)
})

test('in a filter', async t => {
  holds(t, fc.property(typed, value => {
    const filter = FilterParser.parseString(fillFilter('(&(objectClass=person)(uid={username}))', { username: value }))
    return isAnd(filter, ['objectClass', 'person'], ['uid', value])
  }), 1000)
})

test("in a group's filter, with the values of an entry", async t => {
  holds(t, fc.property(typed, typed, (username, member) => {
    const values: Record<string, string> = { username, dn: member }
    const filter = fillGroupFilter('(&(memberUid={username})(member={dn}))', name => [values[name]!])
    return filter !== undefined && isAnd(FilterParser.parseString(filter), ['memberUid', username], ['member', member])
  }), 1000)
})

function isAnd (filter: unknown, ...expected: Array<[attribute: string, value: string]>): boolean {
  return filter instanceof AndFilter && filter.filters.length === expected.length &&
    filter.filters.every((part, index) => part instanceof EqualityFilter && part.attribute === expected[index]![0] && part.value === expected[index]![1])
}
