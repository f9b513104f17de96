/** Warnings about a file, a line each; of very many the first ones. */
import { formatFieldError, MAX_ERRORS, type FieldError } from '../../errors.js'
import type { Terminal } from '../terminal.js'

export function noteWarnings (terminal: Terminal, file: string, warnings: readonly FieldError[]): void {
  for (const warning of warnings.slice(0, MAX_ERRORS)) terminal.note(`warning: ${formatFieldError(file, warning)}`)
  if (warnings.length > MAX_ERRORS) terminal.note(`warning: ${file}: ${warnings.length - MAX_ERRORS} more warnings`)
}
