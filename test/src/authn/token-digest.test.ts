import { test } from 'tap'
import { parseCredential } from '../../../src/authn/credential.js'
import { digestToken, generateToken } from '../../../src/authn/token-digest.js'

test('a digest is SHA-256 in hexadecimal, as sha256sum prints it', async (t) => {
  t.equal(digestToken('abc'), 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  t.not(digestToken('abc'), digestToken('abc\n'))
  t.equal(digestToken('é'), 'sha256:4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c', 'of the UTF-8')
})

test('a new token', async (t) => {
  const tokens = Array.from({ length: 200 }, generateToken)
  t.equal(new Set(tokens).size, tokens.length, 'is never the same')
  for (const token of tokens) {
    if (!/^awt_[0-9a-f]{64}$/.test(token)) t.fail(`has another form: ${token}`)
    if (parseCredential(token).passwordCredential !== undefined) t.fail(`reads as a password: ${token}`)
    if (parseCredential(token).jwt) t.fail(`reads as a JWT: ${token}`)
  }
})
