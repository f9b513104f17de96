/**
 * CEL expressions of Kubernetes structured authentication: checked when the
 * config is loaded, evaluated for each token.
 */
import { EvaluationError, ParseError, TypeError as CelTypeError, type ASTNode, type ParseResult } from '@marcbachmann/cel-js'
import { charge, LONGEST_SOURCE, metered } from './bounds.js'
import { toDuration, toTimestamp } from './conversions.js'
import { ENVIRONMENTS, resolve, unprefix, type Variable } from './environment.js'
import { ExpressionError } from './expression-error.js'
import { compilePattern } from './regex.js'
import { nodes, readPaths } from './syntax-tree.js'
import { toValue, USER_FIELDS, UserInfo } from './values.js'

export type { Variable } from './environment.js'
export { ExpressionError } from './expression-error.js'

/** What an expression may yield: bool; string; string or list of strings. */
export type ResultType = 'bool' | 'string' | 'strings'

export interface Expression {
  readonly source: string
  /** Dotted paths below the variable that the expression reads, as far as they are literal: `email`, `realm_access.roles`. */
  readonly reads: ReadonlySet<string>
  /**
   * A boolean, string, list or null, as the result type says; if that is not known before, any value.
   * @throws ExpressionError if it fails for this input, or exceeds its bounds
   */
  readonly evaluate: (input: unknown) => unknown
}

/** @throws ExpressionError with a message that names the mistake, and its column */
export function compileExpression (source: string, variable: Variable, result: ResultType): Expression {
  if (source.trim() === '') throw new ExpressionError('is empty')
  if (source.length > LONGEST_SOURCE) throw new ExpressionError(`has more than ${LONGEST_SOURCE} characters`)
  return translateErrors(() => {
    const parsed = ENVIRONMENTS[variable].parse(source)
    const reads = readPaths(variable, parsed.ast)
    if (variable === 'user') checkUserFields(reads)
    for (const node of nodes(parsed.ast)) {
      checkLiterals(node)
      resolve(node)
    }
    checkResult(parsed, result)
    return {
      source,
      reads,
      evaluate: input => translateErrors(() => metered(() => {
        const value = charge(toValue(input))
        // this also fails if the budget was exhausted where `||` or `&&` discards errors
        return charge(parsed({ [variable]: variable === 'user' ? new UserInfo(value) : value }))
      }))
    }
  })
}

/** Types as the package names them; `list` is a list of dyn, `list<T>` an empty one. */
const ACCEPTED: Readonly<Record<ResultType, readonly string[]>> = {
  bool: ['bool', 'dyn'],
  string: ['string', 'dyn'],
  strings: ['string', 'dyn', 'list', 'list<string>', 'list<T>']
}

const EXPECTED: Readonly<Record<ResultType, string>> = { bool: 'a bool', string: 'a string', strings: 'a string or a list of strings' }

function checkResult (parsed: ParseResult, result: ResultType): void {
  const { error, type = '' } = parsed.check()
  if (error !== undefined) throw error
  // the package names a value of a known type that passed through dyn
  const plain = type.replace(/dyn<(.*)>/, '$1')
  if (!ACCEPTED[result].includes(plain)) throw new ExpressionError(`must yield ${EXPECTED[result]}, not ${type}`)
}

/** The package checks the fields of a type, but not within has() and after `?`. */
function checkUserFields (reads: ReadonlySet<string>): void {
  for (const path of reads) {
    const [field = ''] = path.split('.')
    if (!Object.hasOwn(USER_FIELDS, field)) throw new ExpressionError(`user has no field ${field}: it has ${Object.keys(USER_FIELDS).join(', ')}`)
  }
}

/** Patterns, durations and times that are literals are checked before any token arrives, as in the API server. */
function checkLiterals (node: ASTNode): void {
  if (node.op !== 'call' && node.op !== 'rcall') return
  const values = (node.op === 'call' ? node.args[1] : node.args[2]).map(argument => argument.op === 'value' ? argument.args : undefined)
  const check = LITERALS[`${node.op} ${node.args[0]}`]
  const value = values[check?.position ?? 0]
  if (check === undefined || typeof value !== 'string') return
  try {
    metered(() => check.parse(value))
  } catch (error) {
    throw new CelTypeError({ code: 'invalid_literal', message: (error as Error).message, node })
  }
}

const LITERALS: Readonly<Record<string, { readonly position: number, readonly parse: (text: string) => unknown }>> = {
  'call matches': { position: 1, parse: compilePattern },
  'rcall matches': { position: 0, parse: compilePattern },
  'rcall find': { position: 0, parse: compilePattern },
  'rcall findAll': { position: 0, parse: compilePattern },
  'call duration': { position: 0, parse: toDuration },
  'call timestamp': { position: 0, parse: toTimestamp }
}

/** One line, without the source that the package prints below its messages. */
function translateErrors<T> (action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (error instanceof ExpressionError) throw error
    if (error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError) {
      const message = unprefix(error.summary)
      const column = error.range === undefined ? '' : ` (column ${error.range.start + 1})`
      throw new ExpressionError(`${message.charAt(0).toLowerCase()}${message.slice(1)}${column}`)
    }
    // the stack, a limit of JavaScript, or types that the package can't combine
    throw new ExpressionError(error instanceof RangeError ? 'is too complex' : 'can\'t be evaluated')
  }
}
