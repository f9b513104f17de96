// A temporary directory with everything that servers and loads read: the serving
// certificate, users files, configs, bodies.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashPassword } from '../dist/src/authn/password-hash.js'
import { digestToken } from '../dist/src/authn/token-digest.js'
import { ensureServingCertificate } from '../dist/src/files/certificates.js'
import { LONG_TOKEN, PASSWORD, PASSWORD_TOKEN, PASSWORD_USER, SHORT_TOKEN, TOKEN_USER, reviewOf } from './people.mjs'

export async function createWorld () {
  const dir = mkdtempSync(join(tmpdir(), 'authn-webhook-bench-'))
  const { certFile, keyFile, caFile } = await ensureServingCertificate(dir, ['localhost', '127.0.0.1'])
  const write = (name, text) => {
    const file = join(dir, name)
    writeFileSync(file, text, { mode: 0o600 })
    return file
  }
  write('users.yaml', await usersFile())
  return {
    dir,
    certFile,
    keyFile,
    ca: readFileSync(caFile),
    write,
    config: write('static.yaml', configOf('{ name: static, kind: static, config: { usersFile: users.yaml } }')),
    bodies: {
      long: write('long.json', reviewOf(LONG_TOKEN)),
      short: write('short.json', reviewOf(SHORT_TOKEN)),
      password: write('password.json', reviewOf(PASSWORD_TOKEN))
    },
    servers: [],
    async close () {
      await Promise.all(this.servers.map(async server => { await server.stop() }))
      rmSync(dir, { recursive: true })
    }
  }
}

/** Nothing is said that a default says: measured as shipped. */
export function configOf (provider, rest = '') {
  return `apiVersion: authn-webhook/v1
server: { host: 127.0.0.1 }
tls: { certFile: tls.crt, keyFile: tls.key }
identityProviders:
  - ${provider}
${rest}`
}

async function usersFile () {
  const { username, uid, groups, extra } = TOKEN_USER
  return `apiVersion: authn-webhook/v1
users:
  - username: ${username}
    uid: "${uid}"
    groups: ${JSON.stringify(groups)}
    extra: ${JSON.stringify(extra)}
    tokens:
      - { name: short, hash: "${digestToken(SHORT_TOKEN)}" }
      - { name: long, hash: "${digestToken(LONG_TOKEN)}" }
  - username: ${PASSWORD_USER.username}
    uid: "${PASSWORD_USER.uid}"
    groups: ${JSON.stringify(PASSWORD_USER.groups)}
    extra: ${JSON.stringify(PASSWORD_USER.extra)}
    passwordHash: ${await hashPassword(PASSWORD)}
`
}
