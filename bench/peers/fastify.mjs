// Bare Fastify over HTTPS, both protocols on one port: what a service built on
// it starts from, in time to the first answer and in memory.
//
// usage: node fastify.mjs PORT CERT KEY
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import { answerTo } from './answer.mjs'

const [port, certFile, keyFile] = process.argv.slice(2)
const fastify = Fastify({ http2: true, https: { allowHTTP1: true, cert: readFileSync(certFile), key: readFileSync(keyFile), minVersion: 'TLSv1.3' } })
fastify.post('/authenticate', async request => answerTo(request.body))
await fastify.listen({ port: Number(port), host: '127.0.0.1' })
