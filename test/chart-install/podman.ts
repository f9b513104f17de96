/** podman and bash, as tests of the chart type into them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { Outcome } from '../fixtures/command.js'

export interface CommandOptions {
  readonly input?: string
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
}

/** The image under test, by the name that `npm run test:chart` gave it. */
export const IMAGE = process.env['IMAGE'] ?? 'localhost/authn-webhook:test'

export async function type (command: string, args: readonly string[], { input = '', env, cwd }: CommandOptions = {}): Promise<Outcome> {
  const child = spawn(command, args, { stdio: 'pipe', cwd, env: { ...process.env, ...env } })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [[code, signal], stdout, stderr] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
  return { code, signal, stdout, stderr }
}

/** @returns what it printed. @throws where it ends with anything but 0 */
export async function podman (args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await type('podman', args, options)
  if (code !== 0) throw new Error(`podman ${args.join(' ')} ended with ${code}: ${stderr}`)
  return stdout.trim()
}

/** Asks until it is so; the test's own time limit ends it. */
export async function eventually<T> (ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask().catch(() => undefined)
    if (answer !== undefined) return answer
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
