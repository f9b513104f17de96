/** Results that nobody can print again: a command that can't write one fails and says what to do. */
import { CommandError, ExitCode } from '../command-error.js'
import { joinLines, printResult, type OutputFormat, type Terminal } from '../terminal.js'

/**
 * Prints a secret that was made and is kept nowhere.
 * @param cure what to do if it can't be written
 * @throws CommandError then
 */
export async function printOnce (terminal: Terminal, output: OutputFormat, value: object, lines: readonly string[], cure: string): Promise<void> {
  let text = ''
  printResult({ ...terminal, print (lines) { text += joinLines(lines) } }, output, value, () => lines)
  await writeOut(terminal, text, cure)
  terminal.note('This is shown once and kept nowhere: store it now.')
}

/** To stdout, whole, also if its reader goes away, which ends other commands in silence. */
export async function writeOut ({ stdout }: Terminal, text: string, cure: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stdout.write(text, (error) => {
      if (error == null) return resolve()
      // it is reported here, before the event of the same error would end the process
      stdout.removeAllListeners('error').on('error', () => {})
      reject(new CommandError(`cannot write to stdout: ${error.message}: ${cure}`, ExitCode.unavailable, { cause: error }))
    })
  })
}
