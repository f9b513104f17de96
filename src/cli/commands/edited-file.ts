/**
 * The file that a command changes: a path, or `-`, which reads it from stdin and
 * writes it to stdout, for a file in a Secret or ConfigMap. Other results then go
 * to stderr.
 */
import type { Terminal } from '../terminal.js'
import { writeOut } from './secret-output.js'

export const STDIN = '-'

/** Saves to stdout what was read from stdin. @param name in messages */
export function saveToStdout (terminal: Terminal, name: string): (text: string) => Promise<boolean> {
  return async text => {
    await writeOut(terminal, text, `the changed ${name} is lost; run the command again`)
    return true
  }
}

/** Prints results of a change on stderr if stdout carries the file. */
export function resultTerminal (terminal: Terminal, file: string): Terminal {
  return file === STDIN ? { ...terminal, stdout: terminal.stderr, print: terminal.note } : terminal
}
