/** The service as operators run it: `authn-webhook serve`, and the kubeconfig that `authn-webhook webhook-config` prints for it. */
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { digestToken } from '../../src/authn/token-digest.js'
import { runCommand } from '../fixtures/command.js'
import type { Person } from '../fixtures/people.js'
import { startServe, type Running } from '../fixtures/running.js'
import { authority, serving } from '../fixtures/service.js'
import { freePorts } from '../fixtures/child.js'

/** Coverage and loaders of the test would go along into every process; users have neither. */
export const env = { NODE_OPTIONS: undefined }

export interface WebhookOptions {
  /** What the config says of them, in the order of the chain. */
  readonly identityProviders: readonly object[]
  /** What the config says beyond the defaults: `{ server: { timeout: '1s' } }`. */
  readonly config?: Record<string, any>
  /** Further files beside the config, or others in place of ours. */
  readonly files?: Record<string, string>
}

/** A config and its files; it runs when it is told to, always on the same port. */
export interface Webhook {
  readonly dir: string
  readonly port: number
  start: () => Promise<Running>
  /** Puts a file in another's place at once, as a mounted Secret does. */
  replace: (name: string, content: string) => Promise<void>
  /** The kubeconfig for the API server, as a file. `args` go to `webhook-config` in addition. */
  kubeconfig: (...args: readonly string[]) => Promise<string>
  /** Samples of /metrics whose name and labels match, added up. */
  metric: (pattern: RegExp) => Promise<number>
  /** What `/readyz` says; false too where nobody answers. */
  ready: () => Promise<boolean>
}

export async function createWebhook (t: Test, { identityProviders, config = {}, files = {} }: WebhookOptions): Promise<Webhook> {
  const [port, adminPort] = await freePorts(2)
  const document = {
    apiVersion: 'authn-webhook/v1',
    sharedNames: true,
    admin: { host: '127.0.0.1', port: adminPort },
    log: { format: 'json' },
    ...config,
    server: { host: '127.0.0.1', port, ...config.server },
    tls: { certFile: 'tls.crt', keyFile: 'tls.key', ...config.tls },
    identityProviders: identityProviders.map(provider => ({ usernamePrefix: '', groupPrefix: '', ...provider }))
  }
  // replicas of one test have a directory each
  t.testdirName += `-${port}`
  const dir = t.testdir({ 'tls.crt': serving.cert, 'tls.key': serving.key, 'ca.crt': authority.cert, 'config.yaml': JSON.stringify(document), ...files })
  let kubeconfigs = 0
  return {
    dir,
    port: port!,
    start: async () => await startServe(t, ['--config', 'config.yaml'], { cwd: dir, env }),
    async replace (name, content) {
      await writeFile(join(dir, `${name}.new`), content)
      await rename(join(dir, `${name}.new`), join(dir, name))
    },
    async kubeconfig (...args) {
      const { code, stdout, stderr } = await runCommand(['webhook-config', '--server', `https://127.0.0.1:${port}`, '--certificate-authority', 'ca.crt', ...args], { cwd: dir, env })
      if (code !== 0) throw new Error(`webhook-config ended with ${code}: ${stderr}`)
      const file = join(dir, `webhook-${++kubeconfigs}.yaml`)
      await writeFile(file, stdout, { mode: 0o600 })
      return file
    },
    async metric (pattern) {
      const response = await fetch(`http://127.0.0.1:${adminPort}/metrics`)
      const samples = (await response.text()).split('\n').filter(line => !line.startsWith('#') && pattern.test(line))
      return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
    },
    ready: async () => await fetch(`http://127.0.0.1:${adminPort}/readyz`).then(({ status }) => status === 200, () => false)
  }
}

/** A users file in which people have their tokens; passwords are scrypt, which `hash` is for. */
export function usersFile (people: readonly Person[], more: readonly object[] = []): string {
  return JSON.stringify({
    apiVersion: 'authn-webhook/v1',
    users: [...people.map(({ user, token }) => ({ ...user, tokens: [{ name: 'laptop', hash: digestToken(token) }] })), ...more]
  })
}

/** Asks until the answer is as awaited; @returns it, and how long that took in milliseconds */
export async function until<T> (ask: () => Promise<T>, awaited: (answer: T) => boolean): Promise<{ answer: T, duration: number }> {
  const before = performance.now()
  for (;;) {
    const answer = await ask()
    if (awaited(answer)) return { answer, duration: performance.now() - before }
    await sleep(100)
  }
}
