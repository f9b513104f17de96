// The limit: what Node.js itself takes to read a review over TLS, parse it and
// answer. Nothing that runs on Node.js can be faster by much.
//
// usage: node limit.mjs h2|h1 PORT CERT KEY
import { readFileSync } from 'node:fs'
import { createSecureServer } from 'node:http2'
import { createServer } from 'node:https'
import { answerTo } from './answer.mjs'

const [protocol, port, certFile, keyFile] = process.argv.slice(2)
const options = { cert: readFileSync(certFile), key: readFileSync(keyFile), minVersion: 'TLSv1.3', noDelay: true }
const listener = protocol === 'h2' ? createSecureServer(options, answer) : createServer(options, answer)
listener.listen(Number(port), '127.0.0.1')

function answer (request, response) {
  const chunks = []
  request.on('data', chunk => { chunks.push(chunk) })
  request.on('end', () => {
    const body = JSON.stringify(answerTo(JSON.parse(Buffer.concat(chunks).toString())))
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    response.end(body)
  })
}
