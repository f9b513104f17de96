// Session tokens: what it costs to verify one and to look its user up, and to answer
// one that was verified before. All are of one user, whose account is in the cache.
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { calculateJwkThumbprint, SignJWT } from 'jose'
import { digestPasswordVersion, passwordClaim, subjectOf } from '../../dist/src/authn/sessions/session-claims.js'
import { createSelfSigned } from '../../dist/src/certificates/issue.js'
import { ALGORITHM, AUDIENCE } from '../issuer.mjs'
import { PASSWORD_TOKEN, PASSWORD_USER, reviewOf, SHORT_TOKEN, TOKEN_USER } from '../people.mjs'
import * as peers from '../peers.mjs'
import { startServer } from '../server.mjs'
import { configOf } from '../world.mjs'
import { freshTokens, ofOneToken } from './jwt.mjs'

const PROVIDER = 'static'

export async function session (bench) {
  const { world, plan, say } = bench
  say('signing session tokens')
  const issuer = await createSignIn('https://login.example.com', passwordVersionIn(world))
  const tokens = await issuer.sign(plan.jwts)
  world.write('session.crt', issuer.cert)
  const config = world.write('session.yaml', `${configOf(`{ name: ${PROVIDER}, kind: static, config: { usersFile: users.yaml } }`)}sessions: { issuer: "${issuer.url}", certFiles: [session.crt], audiences: [${AUDIENCE}] }\n`)
  const service = await startServer(world, peers.service(world, {
    config,
    expected: [
      [tokens[0], PASSWORD_USER.username],
      [SHORT_TOKEN, TOKEN_USER.username],
      [PASSWORD_TOKEN, PASSWORD_USER.username],
      [`${tokens[0].slice(0, -8)}AAAAAAAA`, undefined]
    ]
  }))
  await ofOneToken(bench, 'cached session token', service, { 'session token': world.write('session.json', reviewOf(tokens[0])), password: world.bodies.password })
  await freshTokens(bench, 'fresh session tokens', service, issuer, tokens)
  await world.stopServers()
}

/** As the provider static gives it. */
function passwordVersionIn ({ dir }) {
  const [, hash] = /passwordHash: (\S+)/.exec(readFileSync(join(dir, 'users.yaml'), 'utf8'))
  return createHash('sha256').update(hash).digest('base64url')
}

/** Stands in for the sign-in service: a key, and any number of tokens of one user, as it issues them. */
async function createSignIn (url, passwordVersion) {
  const { cert, key } = await createSelfSigned({ commonName: 'authn-webhook session tokens', days: 1 })
  const [privateKey, publicKey] = [createPrivateKey(key), createPublicKey(cert)]
  const kid = await calculateJwkThumbprint(publicKey)
  const now = Math.floor(Date.now() / 1000)
  const { username, uid, groups } = PASSWORD_USER
  const sign = async number => {
    const jti = String(number).padStart(22, '0')
    const claims = { iss: url, sub: subjectOf(PROVIDER, uid), aud: AUDIENCE, iat: now, exp: now + 36_000, auth_time: now, jti, amr: ['pwd'], idp: PROVIDER, preferred_username: username, groups, pwv: passwordClaim(jti, digestPasswordVersion(passwordVersion)) }
    return await new SignJWT(claims).setProtectedHeader({ alg: ALGORITHM, kid, typ: 'JWT' }).sign(privateKey)
  }
  return { url, cert, publicKey, sign: async count => await Promise.all(Array.from({ length: count }, async (_, number) => await sign(number))) }
}
