/** Output that can't be printed again: a command that can't write it fails and says how to recover. */
import { CommandError, ExitCode } from '../command-error.js'
import { joinLines, printResult, type OutputFormat, type Terminal } from '../terminal.js'

/**
 * Prints a generated secret, which is not stored.
 * @param recovery what to do if it can't be written
 * @throws CommandError then
 */
export async function printOnce (terminal: Terminal, output: OutputFormat, value: object, lines: readonly string[], recovery: string): Promise<void> {
  let text = ''
  await printResult({ ...terminal, print (lines) { text += joinLines(lines) } }, output, value, () => lines)
  await writeOut(terminal, text, recovery)
  terminal.note('This is shown only once and not stored: save it now.')
}

/** Writes all of the text to stdout; unlike in other commands, a reader that closes the pipe is an error. */
export async function writeOut ({ stdout }: Terminal, text: string, recovery: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stdout.write(text, (error) => {
      if (error == null) return resolve()
      // reported here, before the event of the same error ends the process
      stdout.removeAllListeners('error').on('error', () => {})
      reject(new CommandError(`cannot write to stdout: ${error.message}: ${recovery}`, ExitCode.unavailable, { cause: error }))
    })
  })
}
