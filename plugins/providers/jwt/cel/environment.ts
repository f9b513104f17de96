/**
 * The CEL environment of an expression: its variable, and the functions of the
 * API server. Of the package's own functions only those in `PACKAGE` can be
 * called. It can't redefine a function, so that replacements have a prefix,
 * which `resolve` adds to the calls in a parsed expression.
 */
import { Environment, type ASTNode } from '@marcbachmann/cel-js'
import { bindings } from './bindings.js'
import { LONGEST_SOURCE } from './bounds.js'
import { comprehensions } from './comprehensions.js'
import { conversions } from './conversions.js'
import { ExpressionError } from './expression-error.js'
import type { Library } from './functions.js'
import { lists } from './lists.js'
import type { Call } from './macro.js'
import { networks } from './networks.js'
import { quantities } from './quantities.js'
import { regex } from './regex.js'
import { strings } from './strings.js'
import { urls } from './urls.js'
import { USER_FIELDS, UserInfo } from './values.js'

export type Variable = 'claims' | 'user'

/** @throws ExpressionError if the node calls a function that is not supported; otherwise makes it call ours */
export function resolve (node: ASTNode): void {
  if (node.op !== 'call' && node.op !== 'rcall') return
  const name = node.args[0]
  const key = `${node.op} ${name}/${(node.op === 'call' ? node.args[1] : node.args[2]).length}`
  if (replaced.has(key)) node.args[0] = PREFIX + name
  else if (!callable.has(key)) throw new ExpressionError(`function ${name} is not supported here, or not with these arguments`)
}

/** Removes the prefix of replacements from a message of the package. */
export function unprefix (message: string): string {
  return message.replaceAll(PREFIX, '')
}

const PREFIX = 'authn__'

const LIBRARIES: readonly Library[] = [conversions, strings, regex, lists, urls, networks, quantities]
const MACROS: Readonly<Record<string, (call: Call) => object>> = { ...comprehensions, ...bindings }

/** Without side effects, in constant time, and as in cel-go. */
const PACKAGE = [
  'call dyn/1', 'call type/1', 'call has/1',
  'rcall of/1', 'rcall none/0', 'rcall hasValue/0', 'rcall value/0', 'rcall or/1', 'rcall orValue/1',
  ...['Date', 'DayOfMonth', 'DayOfWeek', 'DayOfYear', 'FullYear', 'Hours', 'Milliseconds', 'Minutes', 'Month', 'Seconds'].map(part => `rcall get${part}/0`)
]

const callable = new Set([...PACKAGE, ...Object.keys(MACROS).map(name => `rcall ${name}`)])
const replaced = new Set<string>()

/** Macros are found by name and number of arguments, whatever they are called on; the last one registered wins. */
class MacroReceiver {}

function register (environment: Environment): void {
  const existing = new Set(environment.getDefinitions().functions.map(({ name, receiverType, params }) => `${receiverType === null ? 'call' : 'rcall'} ${name}/${params.length}`))
  environment.registerType('kubernetes.Macro', MacroReceiver)
  for (const [name, expand] of Object.entries(MACROS)) {
    const [plain = '', count] = name.split('/')
    environment.registerFunction(`kubernetes.Macro.${plain}(${Array(Number(count)).fill('ast').join(', ')}): dyn`, expand)
  }
  for (const { types = {}, namespaces = {} } of LIBRARIES) {
    // without fields, expressions could read the properties of the objects
    for (const [name, ctor] of Object.entries(types)) environment.registerType(name, { ctor, fields: {} })
    for (const [variable, type] of Object.entries(namespaces)) {
      const Namespace = class {}
      environment.registerType(type, { ctor: Namespace, fields: {} }).registerConstant(variable, type, new Namespace())
    }
  }
  for (const { functions, equality = [] } of LIBRARIES) {
    for (const [signature, handler] of Object.entries(functions)) registerFunction(environment, existing, signature, handler)
    for (const type of equality) environment.registerOperator(`${type} == ${type}`, (one: object, other: object) => String(one) === String(other))
  }
}

function registerFunction (environment: Environment, existing: ReadonlySet<string>, signature: string, handler: (...args: never[]) => unknown): void {
  const [, receiver = '', name = '', parameters = '', result = ''] = SIGNATURE.exec(signature) ?? []
  const key = `${receiver === '' ? 'call' : 'rcall'} ${name}/${parameters === '' ? 0 : parameters.split(', ').length}`
  const isReplacement = existing.has(key)
  if (isReplacement) replaced.add(key)
  else callable.add(key)
  environment.registerFunction(`${receiver}${isReplacement ? PREFIX : ''}${name}(${parameters})${result}`, handler, { async: false })
}

const SIGNATURE = /^((?:[\w.<>]+\.)?)(\w+)\((.*)\)(: .*)$/

const base = new Environment({
  enableOptionalTypes: true,
  // cel-go accepts dyn beside other types
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: LONGEST_SOURCE / 2 }
})
register(base)

export const ENVIRONMENTS: Readonly<Record<Variable, Environment>> = {
  claims: base.clone().registerVariable('claims', 'map<string, dyn>'),
  user: base.clone().registerType('kubernetes.UserInfo', { ctor: UserInfo, fields: USER_FIELDS }).registerVariable('user', 'kubernetes.UserInfo')
}
