// What a Node.js developer would write first: Express 5 and its JSON parser.
// Express speaks HTTP/1.1 alone.
//
// usage: node express.mjs PORT CERT KEY
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import express from 'express'
import { answerTo } from './answer.mjs'

const [port, certFile, keyFile] = process.argv.slice(2)
const app = express()
app.use(express.json())
app.post('/authenticate', (request, response) => {
  response.json(answerTo(request.body))
})
createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile), minVersion: 'TLSv1.3' }, app).listen(Number(port), '127.0.0.1')
