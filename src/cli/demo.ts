/**
 * `serve --demo` and `serve --mock`: a config like any other, written to a
 * folder where a newcomer can read it, with a certificate of its own.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { hashPassword } from '../authn/password-hash.js'
import { digestToken } from '../authn/token-digest.js'
import { makeDirectory, writeFileAtomic } from '../files/write.js'

/** Where certificates and files of a demo live, below the working directory. */
export const DEMO_DIR = '.authn-webhook'

/** Known to everybody, hence loopback unless `--host`. */
export const DEMO_PASSWORD_TOKEN = Buffer.from('demo-user:demo-password').toString('base64')
export const DEMO_OPAQUE_TOKEN = 'demo-token-9f2b7c4e1a8d4f60b3c5'

export type DemoKind = 'demo' | 'mock'

/**
 * Writes what is missing, and gives the config file.
 * @throws CommandError
 */
export async function writeDemoConfig (kind: DemoKind, directory: string): Promise<string> {
  await makeDirectory(directory, { mode: 0o700 })
  if (kind === 'demo') await writeOnce(join(directory, 'users.yaml'), demoUsers)
  const file = join(directory, `${kind}.yaml`)
  await writeOnce(file, async () => demoConfig(kind))
  return file
}

async function writeOnce (file: string, text: () => Promise<string>): Promise<void> {
  if (!existsSync(file)) await writeFileAtomic(file, await text(), { mode: 0o600 })
}

const PROVIDERS: Record<DemoKind, string> = {
  demo: '{ name: demo, kind: static, config: { usersFile: users.yaml } }',
  mock: '{ name: mock, kind: mock, config: { user: { username: mock, groups: [group-mock] } } }'
}

function demoConfig (kind: DemoKind): string {
  return `# Written by \`authn-webhook serve --${kind}\`; change it as you like.
apiVersion: authn-webhook/v1
server: { host: 127.0.0.1 }
tls: { certFile: tls.crt, keyFile: tls.key }
identityProviders:
  - ${PROVIDERS[kind]}
`
}

async function demoUsers (): Promise<string> {
  return `# Two people whose secrets everybody knows: for a first look, never for a cluster.
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

/** What to try, ready to paste. */
export function demoBanner (kind: DemoKind, url: string, directory: string): string[] {
  const ca = join(directory, 'ca.crt')
  const token = kind === 'demo' ? DEMO_PASSWORD_TOKEN : 'any-token'
  const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } })
  const words = [
    '',
    `authn-webhook answers at ${url}`,
    `CA certificate           ${ca}`,
    ''
  ]
  if (kind === 'demo') words.push('Ask who demo-user:demo-password is, as an API server would:')
  else words.push('Every token is the user "mock" in the group "group-mock". Ask as an API server would:')
  words.push('', `  curl -sS --cacert ${shellQuote(ca)} -H 'Content-Type: application/json' -d '${body}' ${url} | jq`, '')
  if (kind === 'demo') words.push(`The other user, demo-robot, has the opaque token ${DEMO_OPAQUE_TOKEN}`)
  words.push('Ctrl-C stops it.', '')
  return words
}

function shellQuote (text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
