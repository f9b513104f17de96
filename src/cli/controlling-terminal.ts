/** The terminal of a person whose kubectl started this process: its streams are those of kubectl, and may be redirected. */
import { openSync } from 'node:fs'
import { ReadStream, WriteStream } from 'node:tty'
import { openTerminal, type Terminal } from './terminal.js'

/** `undefined` if there is none: an IDE, a cron job, a pipeline. */
export function openControllingTerminal (terminal: Terminal): Terminal | undefined {
  // its console has no path that Node.js can open
  if (process.platform === 'win32') return terminal.interactive ? terminal : undefined
  try {
    const [stdin, stderr] = [new ReadStream(openSync('/dev/tty', 'r')), new WriteStream(openSync('/dev/tty', 'w'))]
    // only prompts read from it
    stdin.pause()
    // it may be closed at any time, and then nobody reads of it
    for (const stream of [stdin, stderr]) stream.on('error', () => {})
    return openTerminal({ stdin, stdout: terminal.stdout, stderr, env: terminal.env })
  } catch {
    return undefined
  }
}
