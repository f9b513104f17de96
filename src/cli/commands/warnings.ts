/** Warnings about a file, a line each; of very many the first ones. */
import { formatFault, MAX_FAULTS, type Fault } from '../../errors.js'
import type { Terminal } from '../terminal.js'

export function noteWarnings (terminal: Terminal, file: string, warnings: readonly Fault[]): void {
  for (const warning of warnings.slice(0, MAX_FAULTS)) terminal.note(`warning: ${formatFault(file, warning)}`)
  if (warnings.length > MAX_FAULTS) terminal.note(`warning: ${file}: ${warnings.length - MAX_FAULTS} more warnings`)
}
