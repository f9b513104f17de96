/**
 * `groupSearch.filter` for one user: fills in `{dn}`, `{username}`, and any
 * other name in braces as an attribute of the user's entry. A comparison with
 * an attribute that the entry lacks matches nothing, whatever surrounds it.
 */
import { Filter } from 'ldapts'
import { DirectoryError } from '../../../../src/errors.js'
import { anyOf, PLACEHOLDER, placeholdersOf } from '../syntax/filter.js'

export type ValuesOf = (placeholder: string) => readonly string[]

/** Comparisons that one comparison may expand to: a filter has to fit into a message. */
const MAX_VALUES = 50

/** The attributes of the user's entry that the filter uses. */
export function attributesIn (template: string): string[] {
  return placeholdersOf(template).filter(name => name !== 'dn' && name !== 'username')
}

/**
 * `undefined` if no group can match.
 * @param template a filter in the form of normalizeFilter(), read from left to right
 */
export function fillGroupFilter (template: string, valuesOf: ValuesOf): string | undefined {
  let at = 0

  function component (): string | undefined {
    const operator = template[at + 1]!
    return '&|!'.includes(operator) ? combination(operator) : comparison()
  }

  function combination (operator: string): string | undefined {
    at += '(&'.length
    const components: Array<string | undefined> = []
    while (template[at] === '(') components.push(component())
    at += ')'.length
    const possible = components.filter(component => component !== undefined)
    // a comparison with a missing attribute is Undefined (RFC 4511, 4.5.1.7), and stays so under "not"
    const isImpossible = operator === '|' ? possible.length === 0 : possible.length < components.length
    return isImpossible ? undefined : `(${operator}${possible.join('')})`
  }

  function comparison (): string | undefined {
    const start = at
    at = template.indexOf(')', start) + 1
    const filled = fillComparison(template.slice(start, at), valuesOf)
    return filled.length === 0 ? undefined : anyOf(filled)
  }

  return component()
}

/** One comparison per value. In one pass: values that look like placeholders are not expanded. */
function fillComparison (comparison: string, valuesOf: ValuesOf): string[] {
  // every second part is the name of a placeholder
  return comparison.split(PLACEHOLDER).reduce<string[]>((heads, part, index) => {
    if (index % 2 === 0) return heads.map(head => head + part)
    const values = valuesOf(part).map(value => Filter.escape(value))
    const count = heads.length * values.length
    if (count > MAX_VALUES) throw new DirectoryError(`${comparison} of groupSearch.filter has ${count} values for one user, more than ${MAX_VALUES}`)
    return heads.flatMap(head => values.map(value => head + value))
  }, [''])
}
