/** An expression that can't be compiled, or that fails for its input. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError'
}
