/** A question on the terminal; apart from it, since most commands ask nothing. */
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { CommandError, ExitCode } from './command-error.js'
import type { Input, Output } from './terminal.js'

/** What invalid UTF-8 is decoded to. */
const REPLACEMENT = '\ufffd'

/** readline turns off the terminal's echo, and echoes itself: to `stderr`, or to nowhere for a hidden question. */
export async function ask (stdin: Input, stderr: Output, question: string, { hidden, signal }: { readonly hidden: boolean, readonly signal: AbortSignal | undefined }): Promise<string> {
  signal?.throwIfAborted()
  const output = hidden ? new Writable({ write (_chunk, _encoding, done) { done() } }) : stderr
  const line = createInterface({ input: stdin, output, terminal: true, historySize: 0 })
  // after raw mode is on, or an immediate answer would be echoed
  if (hidden) stderr.write(question)
  let stop = (): void => {}
  try {
    return await new Promise((resolve, reject) => {
      stop = () => { reject(signal?.reason) }
      signal?.addEventListener('abort', stop)
      line.once('SIGINT', () => { reject(new CommandError('interrupted', ExitCode.interrupted)) })
      // Ctrl-D, or the terminal was closed; no effect after an answer
      line.once('close', () => { reject(new CommandError('nothing was entered')) })
      line.question(hidden ? '' : question, answer => {
        if (answer.includes(REPLACEMENT)) reject(new CommandError('the input is not UTF-8 text'))
        else resolve(answer)
      })
    })
  } finally {
    signal?.removeEventListener('abort', stop)
    line.close()
    // neither the typed newline nor one after ^C was echoed
    stderr.write('\n')
  }
}
