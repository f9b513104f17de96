// A webhook that checks a password with bcrypt at every review, as a known peer
// does: HTTP/2, cost 10, no cache.
//
// usage: node bcrypt.mjs PORT CERT KEY
import { readFileSync } from 'node:fs'
import { createSecureServer } from 'node:http2'
import bcrypt from 'bcrypt'
import { PASSWORD, PASSWORD_USER } from '../people.mjs'

const COST = 10

const [port, certFile, keyFile] = process.argv.slice(2)
const users = new Map([[PASSWORD_USER.username, { user: PASSWORD_USER, hash: await bcrypt.hash(PASSWORD, COST) }]])

createSecureServer({ cert: readFileSync(certFile), key: readFileSync(keyFile), minVersion: 'TLSv1.3' }, async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const { apiVersion, kind, spec } = JSON.parse(Buffer.concat(chunks).toString())
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ apiVersion, kind, status: await statusOf(spec.token) }))
}).listen(Number(port), '127.0.0.1')

async function statusOf (token) {
  const [username, password] = Buffer.from(token, 'base64').toString().split(':')
  const found = users.get(username)
  if (found === undefined || !await bcrypt.compare(password, found.hash)) return { authenticated: false }
  return { authenticated: true, user: found.user }
}
