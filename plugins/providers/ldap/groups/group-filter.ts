/**
 * `groupSearch.filter`, filled in for one user: `{dn}`, `{username}`, and any
 * other name in braces is an attribute of the user's entry. A comparison with an
 * attribute that the entry doesn't have matches nothing, whatever surrounds it.
 */
import { Filter } from 'ldapts'
import { DirectoryError } from '../../../../src/errors.js'
import { PLACEHOLDER, placeholdersOf } from '../syntax/filter.js'

export type ValuesOf = (placeholder: string) => readonly string[]

/** Comparisons that one of the filter may become; a filter has to fit into a message. */
const MAX_VALUES = 50

/** Attributes of the user's entry that the filter names. */
export function attributesIn (template: string): string[] {
  return placeholdersOf(template).filter(name => name !== 'dn' && name !== 'username')
}

/**
 * `undefined` if no group can match.
 * @param template a filter as normalizeFilter() writes it
 */
export function fillGroupFilter (template: string, valuesOf: ValuesOf): string | undefined {
  return new Filling(template, valuesOf).next()
}

/** Goes through the filter from left to right. */
class Filling {
  readonly #template: string
  readonly #valuesOf: ValuesOf
  #at = 0

  constructor (template: string, valuesOf: ValuesOf) {
    this.#template = template
    this.#valuesOf = valuesOf
  }

  /** The component that begins here; `undefined` if it can match nothing. */
  next (): string | undefined {
    const operator = this.#template[this.#at + 1]!
    return '&|!'.includes(operator) ? this.#combination(operator) : this.#comparison()
  }

  #combination (operator: string): string | undefined {
    this.#at += '(&'.length
    const components: Array<string | undefined> = []
    while (this.#template[this.#at] === '(') components.push(this.next())
    this.#at += ')'.length
    const left = components.filter(component => component !== undefined)
    // what can't be compared is neither true nor false (RFC 4511, 4.5.1.7): "not" does not make it true
    const isLost = operator === '|' ? left.length === 0 : left.length < components.length
    return isLost ? undefined : `(${operator}${left.join('')})`
  }

  #comparison (): string | undefined {
    const end = this.#template.indexOf(')', this.#at) + 1
    const comparison = this.#template.slice(this.#at, end)
    this.#at = end
    const filled = this.#filled(comparison)
    return filled.length > 1 ? `(|${filled.join('')})` : filled[0]
  }

  /** One for each value. In one pass: a value that looks like a placeholder stays what it is. */
  #filled (comparison: string): string[] {
    // every second part is the name of a placeholder
    const parts = comparison.split(PLACEHOLDER)
    return parts.reduce<string[]>((heads, part, index) => {
      if (index % 2 === 0) return heads.map(head => head + part)
      const values = this.#valuesOf(part).map(value => Filter.escape(value))
      const count = heads.length * values.length
      if (count > MAX_VALUES) throw new DirectoryError(`${comparison} of groupSearch.filter has ${count} values for one user, more than ${MAX_VALUES}`)
      return heads.flatMap(head => values.map(value => head + value))
    }, [''])
  }
}
