/** The config of `serve --demo` and `serve --mock`: an ordinary one, written to a directory to be read and changed. */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join, relative } from 'node:path'
import type { LoginConfig } from '../../schemas/login.js'
import { hashPassword } from '../authn/password-hash.js'
import { digestToken } from '../authn/token-digest.js'
import { makeDirectory, writeFileAtomic } from '../files/write.js'

/** Of all files of a demo, relative to the working directory. */
export const DEMO_DIR = '.authn-webhook'

const LOOPBACK = '127.0.0.1'

/** Public, so a demo listens on loopback by default. */
export const DEMO_PASSWORD_TOKEN = Buffer.from('demo-user:demo-password').toString('base64')
export const DEMO_OPAQUE_TOKEN = 'demo-token-9f2b7c4e1a8d4f60b3c5'

export type DemoKind = 'demo' | 'mock'

/** Writes the files that do not exist yet, and returns the path of the config. */
export async function writeDemoConfig (kind: DemoKind, directory: string): Promise<string> {
  await makeDirectory(directory, { mode: 0o700 })
  if (kind === 'demo') {
    await writeOnce(join(directory, 'users.yaml'), demoUsers)
    await writeOnce(join(directory, 'revocations.yaml'), async () => 'apiVersion: authn-webhook/v1\nrevocations: []\n')
  }
  const file = join(directory, `${kind}.yaml`)
  await writeOnce(file, async () => `${demoConfig(kind)}${kind === 'demo' ? await demoLogin(directory) : ''}`)
  return file
}

/**
 * With another port of the webhook, the sign-in service of a demo gets the next one,
 * or another free one; its issuer has to say which.
 */
export async function moveDemoLogin (login: LoginConfig, webhookPort: number): Promise<void> {
  login.port = webhookPort === 0 || webhookPort === 65535 ? await freePort() : webhookPort + 1
  login.issuer = `https://${LOOPBACK}:${login.port}`
}

async function freePort (): Promise<number> {
  const server = createServer().listen(0, LOOPBACK)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function writeOnce (file: string, text: () => Promise<string>): Promise<void> {
  if (!existsSync(file)) await writeFileAtomic(file, await text(), { mode: 0o600 })
}

const PROVIDERS: Record<DemoKind, string> = {
  demo: '{ name: demo, kind: static, config: { usersFile: users.yaml } }',
  mock: '{ name: mock, kind: mock, config: { user: { username: mock, groups: [group-mock] } } }'
}

function demoConfig (kind: DemoKind): string {
  return `# Written by \`authn-webhook serve --${kind}\`; you can change it.
apiVersion: authn-webhook/v1
server: { host: ${LOOPBACK} }
tls: { certFile: tls.crt, keyFile: tls.key }
identityProviders:
  - ${PROVIDERS[kind]}
`
}

async function demoLogin (directory: string): Promise<string> {
  const { createSigningKey } = await import('../session-keys/key-directory.js')
  const { certFile, keyFile } = await createSigningKey(join(directory, 'keys'))
  return `login:
  issuer: https://${LOOPBACK}:8444
  host: ${LOOPBACK}
  tls: { certFile: tls.crt, keyFile: tls.key }
  certificateAuthorityFile: ca.crt
  signingKeys: [{ certFile: ${relative(directory, certFile)}, keyFile: ${relative(directory, keyFile)} }]
  clients:
    - id: demo
      name: Demo
      grants: [authorizationCode, deviceCode, password]
      cluster: { server: "https://${LOOPBACK}:6443" }
sessions: { revocationsFile: revocations.yaml }
`
}

async function demoUsers (): Promise<string> {
  return `# Two users with public secrets: for evaluation only, not for a cluster.
apiVersion: authn-webhook/v1
users:
  - username: demo-user
    uid: "1001"
    groups: [developers]
    extra: { example.com/team: [platform] }
    passwordHash: ${await hashPassword('demo-password')}
  - username: demo-robot
    uid: "1002"
    groups: [robots]
    tokens:
      - { name: demo, hash: "${digestToken(DEMO_OPAQUE_TOKEN)}" }
`
}

/** Commands to try. */
export function demoBanner (kind: DemoKind, url: string, directory: string, issuer: string | undefined): string[] {
  const ca = join(directory, 'ca.crt')
  const token = kind === 'demo' ? DEMO_PASSWORD_TOKEN : 'any-token'
  const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } })
  const lines = [
    '',
    `authn-webhook serves ${url}`,
    `CA certificate           ${ca}`,
    ''
  ]
  if (kind === 'demo') lines.push('Review the password token of demo-user, as an API server would:')
  else lines.push('Every token is the user "mock" in the group "group-mock". Review one as an API server would:')
  lines.push('', `  curl -sS --cacert ${shellQuote(ca)} -H 'Content-Type: application/json' -d '${body}' ${url} | jq`, '')
  if (kind === 'demo') lines.push(`The other user, demo-robot, has the opaque token ${DEMO_OPAQUE_TOKEN}`)
  if (issuer !== undefined) {
    lines.push(
      '',
      'Sign in as demo-user with the password demo-password. Your browser warns, since it does not know the CA.',
      'Choose "Demo", and review the token of that page in place of the one above:',
      '',
      `  ${issuer}`,
      ''
    )
  }
  lines.push('Press Ctrl-C to stop.', '')
  return lines
}

function shellQuote (text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
