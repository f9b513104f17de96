/** What `validate` says of the local files of a config. */
import { join } from 'node:path'
import { test } from 'tap'
import { validateConfig, validateConfigFiles } from '../../../../plugins/providers/jwt/validate.js'
import { JwtProviderConfig } from '../../../../schemas/providers/jwt.js'
import type { FileWarning } from '../../../../src/authn/provider.js'
import { createCA } from '../../../../src/certificates/issue.js'
import { findErrors } from '../../../../src/documents/schema-errors.js'
import { makeKey } from '../../../fixtures/jwt.js'

const { jwk } = await makeKey('ES256', 'key')
const ca = await createCA({ commonName: 'issuer', days: 1 })

const CONFIGURATION = `apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer: { url: https://sso.example.test, audiences: [kubernetes] }
  claimMappings: { username: { claim: sub, prefix: "" } }
anonymous: { enabled: false }
`

function issuer (host: string, { issuer = {}, ...fields }: Record<string, object | string>): object {
  return { issuer: { url: `https://${host}.example.test`, audiences: ['x'], ...issuer as object }, claimMappings: { username: { claim: 'sub', prefix: '' } }, ...fields }
}

async function validate (dir: string, config: object): Promise<{ errors: string[], warnings: FileWarning[] }> {
  const value: any = structuredClone(config)
  if (findErrors(value, JwtProviderConfig).length > 0) throw new Error('invalid')
  const warnings: FileWarning[] = []
  const errors: Error[] = await validateConfigFiles(value, { resolvePath: path => join(dir, path), warn: warning => { warnings.push(warning) } })
    .then(() => [], error => error instanceof AggregateError ? error.errors : [error])
  return { errors: errors.map(({ message }) => message.replaceAll(`${dir}/`, '')), warnings }
}

test('valid files', async t => {
  const dir = t.testdir({ 'ca.crt': ca.cert, 'jwks.json': JSON.stringify({ keys: [jwk] }), 'authentication.yaml': CONFIGURATION, 'revocations.yaml': 'apiVersion: authn-webhook/v1\nrevocations: []\n' })
  t.strictSame(await validate(dir, { issuers: [issuer('a', { issuer: { certificateAuthorityFile: 'ca.crt' } }), issuer('b', { jwksFile: 'jwks.json' })], revocationsFile: 'revocations.yaml' }), { errors: [], warnings: [] })
  t.match(await validate(dir, { authenticationConfigurationFile: 'authentication.yaml' }), { errors: [], warnings: [{ file: join(dir, 'authentication.yaml'), path: 'anonymous', line: 6, message: /^has no effect/ }] })
})

test('a private key among public ones is a warning', async t => {
  const { privateKey } = await makeKey('ES256', 'private')
  const dir = t.testdir({ 'jwks.json': JSON.stringify({ keys: [privateKey.export({ format: 'jwk' })] }) })
  t.match(await validate(dir, { issuers: [issuer('a', { jwksFile: 'jwks.json' })] }), { errors: [], warnings: [{ path: 'keys', message: /^holds a private key/ }] })
})

test('every invalid file is reported', async t => {
  const dir = t.testdir({ 'ca.crt': ca.key, 'authentication.yaml': CONFIGURATION.replace('https:', 'http:'), 'revocations.yaml': 'apiVersion: authn-webhook/v1\nrevocations: [{}]\n' })
  t.match(await validate(dir, { issuers: [issuer('a', { issuer: { certificateAuthorityFile: 'ca.crt' } }), issuer('b', { jwksFile: 'jwks.json' })], revocationsFile: 'revocations.yaml' }), {
    errors: [/^ca.crt: holds a private key/, 'jwks.json: does not exist', 'revocations.yaml:2: revocations[0]: must be a mapping with one of jti, subject and username']
  })
  t.match(await validate(dir, { authenticationConfigurationFile: 'authentication.yaml' }), { errors: ['authentication.yaml:4: jwt[0].issuer.url: must start with https://'] })
})

test('a key set has a key that can verify', async t => {
  for (const [name, content, expected] of [
    ['text', 'canary', 'is not JSON'],
    ['a list', '[]', 'is not a JWKS: it has no list "keys"'],
    ['no keys', '{"keys": []}', 'has no key that can verify signatures']
  ] as const) {
    const dir = t.testdir({ 'jwks.json': content })
    t.strictSame((await validate(dir, { issuers: [issuer('a', { jwksFile: 'jwks.json' })] })).errors, [`jwks.json: ${expected}`], name)
  }
})

test('another provider can\'t take its groups from here', async t => {
  const config: any = { issuers: [issuer('a', {})] }
  findErrors(config, JwtProviderConfig)
  t.strictSame(validateConfig(config, {}), [])
  t.match(validateConfig(config, { needsLookup: true }), [{ path: '', message: /^can't look up users/ }])
})
