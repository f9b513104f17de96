// A temporary directory with everything that servers and loads read: the serving
// certificate, users files, configs, bodies. And the servers that run in it.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hashPassword } from '../dist/src/authn/password-hash.js'
import { digestToken } from '../dist/src/authn/token-digest.js'
import { ensureServingCertificate } from '../dist/src/certificates/directory.js'
import { LONG_TOKEN, numberedToken, PASSWORD, PASSWORD_TOKEN, PASSWORD_USER, reviewOf, SHORT_TOKEN, TOKEN_USER } from './people.mjs'

const BEGINNING = 'apiVersion: authn-webhook/v1\n'

const IMAGE = fileURLToPath(new URL('../scripts/image.mjs', import.meta.url))

/** @param tools `{ node, goPeer }`: paths of executables */
export async function createWorld ({ node, goPeer }) {
  const dir = mkdtempSync(join(tmpdir(), 'authn-webhook-bench-'))
  const { certFile, keyFile, caFile } = await ensureServingCertificate(dir, ['localhost', '127.0.0.1'])
  const write = (name, text) => {
    const file = join(dir, name)
    writeFileSync(file, text, { mode: 0o600 })
    return file
  }
  write('users.yaml', `${BEGINNING}users:\n${userEntry(TOKEN_USER, `tokens: ${tokens({ short: SHORT_TOKEN, long: LONG_TOKEN })}`)}${userEntry(PASSWORD_USER, `passwordHash: ${await hashPassword(PASSWORD)}`)}`)
  execFileSync(process.execPath, [IMAGE, join(dir, 'app')])
  const servers = new Set()
  async function stopServers () {
    const running = [...servers]
    servers.clear()
    await Promise.all(running.map(async server => { await server.stop() }))
  }
  return {
    dir,
    node,
    goPeer,
    /** The bundle that the image holds. */
    cli: join(dir, 'app/dist/src/cli/main.js'),
    certFile,
    keyFile,
    ca: readFileSync(caFile),
    servers,
    write,
    config: write('static.yaml', configOf('{ name: static, kind: static, config: { usersFile: users.yaml } }')),
    bodies: {
      short: write('short.json', reviewOf(SHORT_TOKEN)),
      long: write('long.json', reviewOf(LONG_TOKEN)),
      password: write('password.json', reviewOf(PASSWORD_TOKEN))
    },
    stopServers,
    async close () {
      await stopServers()
      rmSync(dir, { recursive: true, force: true })
    }
  }
}

/** Says nothing that a default says: measured as shipped. */
export function configOf (...providers) {
  return `${BEGINNING}server: { host: 127.0.0.1 }\ntls: { certFile: tls.crt, keyFile: tls.key }\nidentityProviders:\n${providers.map(provider => `  - ${provider}\n`).join('')}`
}

/** So many people, each with a token of that number; `full`: with a password and a second token too. */
export function numberedUsers (count, { full = false } = {}) {
  const credentials = number => full
    ? `passwordHash: $scrypt$ln=14,r=8,p=1$${base64(16)}$${base64(32)}\n    tokens: ${tokens({ laptop: numberedToken(number), phone: `phone-${number}` })}`
    : `tokens: ${tokens({ laptop: numberedToken(number) })}`
  const users = Array.from({ length: count }, (_, number) =>
    userEntry({ username: `user-${number}`, uid: String(number), groups: ['developers', 'platform'], extra: { 'example.com/team': ['platform'] } }, credentials(number)))
  return `${BEGINNING}users:\n${users.join('')}`
}

/** So many people with one password. */
export async function usersWithPassword (count) {
  const passwordHash = await hashPassword(PASSWORD)
  const users = Array.from({ length: count }, (_, number) => userEntry({ username: `user-${number}`, uid: String(number), groups: ['developers'], extra: {} }, `passwordHash: ${passwordHash}`))
  return `${BEGINNING}users:\n${users.join('')}`
}

function userEntry ({ username, uid, groups, extra }, credentials) {
  return `  - username: ${username}\n    uid: "${uid}"\n    groups: ${JSON.stringify(groups)}\n    extra: ${JSON.stringify(extra)}\n    ${credentials}\n`
}

/** Nobody logs in with these passwords. */
function base64 (bytes) {
  return randomBytes(bytes).toString('base64').replace(/=+$/, '')
}

function tokens (named) {
  return `[${Object.entries(named).map(([name, token]) => `{ name: ${name}, hash: "${digestToken(token)}" }`).join(', ')}]`
}
