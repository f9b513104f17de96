/** Quantities of Kubernetes, exact to 10⁻⁹. */
import { spend } from './bounds.js'
import { ExpressionError } from './expression-error.js'
import type { Library } from './functions.js'

class Quantity {
  /** @param value multiplied by 10⁹ */
  constructor (readonly value: bigint) {}

  toString (): string {
    return String(this.value)
  }
}

export const quantities: Library = {
  types: { 'kubernetes.Quantity': Quantity },
  equality: ['kubernetes.Quantity'],
  functions: {
    'quantity(string): kubernetes.Quantity': (text: string) => {
      const quantity = parse(text)
      if (quantity === undefined) throw new ExpressionError('quantity: not a quantity')
      return quantity
    },
    'isQuantity(string): bool': (text: string) => parse(text) !== undefined,
    'kubernetes.Quantity.sign(): int': (quantity: Quantity) => sign(quantity.value),
    'kubernetes.Quantity.isInteger(): bool': (quantity: Quantity) => toInteger(quantity) !== undefined,
    'kubernetes.Quantity.asInteger(): int': (quantity: Quantity) => {
      const integer = toInteger(quantity)
      if (integer === undefined) throw new ExpressionError('asInteger: the quantity is not an integer of 64 bits')
      return integer
    },
    'kubernetes.Quantity.asApproximateFloat(): double': (quantity: Quantity) => Number(quantity.value) / Number(SCALE),
    'kubernetes.Quantity.add(kubernetes.Quantity): kubernetes.Quantity': (one: Quantity, other: Quantity) => new Quantity(one.value + other.value),
    'kubernetes.Quantity.add(int): kubernetes.Quantity': (quantity: Quantity, integer: bigint) => new Quantity(quantity.value + integer * SCALE),
    'kubernetes.Quantity.sub(kubernetes.Quantity): kubernetes.Quantity': (one: Quantity, other: Quantity) => new Quantity(one.value - other.value),
    'kubernetes.Quantity.sub(int): kubernetes.Quantity': (quantity: Quantity, integer: bigint) => new Quantity(quantity.value - integer * SCALE),
    'kubernetes.Quantity.isGreaterThan(kubernetes.Quantity): bool': (one: Quantity, other: Quantity) => one.value > other.value,
    'kubernetes.Quantity.isLessThan(kubernetes.Quantity): bool': (one: Quantity, other: Quantity) => one.value < other.value,
    'kubernetes.Quantity.compareTo(kubernetes.Quantity): int': (one: Quantity, other: Quantity) => sign(one.value - other.value)
  }
}

const SCALE = 10n ** 9n

/** The API server's limit for an exponent depends on the digits; no number in use comes near this one. */
const LARGEST_EXPONENT = 60

const PATTERN = /^([+-]?)(\d{0,40})(?:\.(\d{0,40}))?(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?\d{1,3}))?$/

function parse (text: string): Quantity | undefined {
  spend(20)
  const [whole, minus, integer = '', fraction = '', binary, decimal, exponent = '0'] = PATTERN.exec(text) ?? []
  if (whole === undefined || integer + fraction === '' || Math.abs(Number(exponent)) > LARGEST_EXPONENT) return undefined
  const power = (decimal === undefined ? Number(exponent) : DECIMAL[decimal]!) - fraction.length + 9
  const digits = BigInt(integer + fraction) * (binary === undefined ? 1n : 1024n ** BigInt('KMGTPE'.indexOf(binary[0]!) + 1))
  const value = power >= 0 ? digits * 10n ** BigInt(power) : divideUp(digits, 10n ** BigInt(-power))
  return new Quantity(minus === '-' ? -value : value)
}

const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }

function divideUp (value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by
}

function sign (value: bigint): bigint {
  return value < 0n ? -1n : value > 0n ? 1n : 0n
}

function toInteger ({ value }: Quantity): bigint | undefined {
  const integer = value / SCALE
  return value % SCALE === 0n && BigInt.asIntN(64, integer) === integer ? integer : undefined
}
