// One review over a connection of its own, to see that an answer is right.
import { connect } from 'node:http2'
import { request } from 'node:https'
import { once } from 'node:events'
import { json } from 'node:stream/consumers'
import { REVIEW_HEADERS, REVIEW_PATH, reviewOf } from '../people.mjs'

/** @returns `{ status, body }` */
export async function ask (server, token, protocol) {
  return protocol === 'h2' ? await askHttp2(server, reviewOf(token)) : await askHttp1(server, reviewOf(token))
}

async function askHttp2 ({ port, ca }, body) {
  const session = connect(`https://127.0.0.1:${port}`, { ca })
  try {
    await once(session, 'connect')
    const stream = session.request({ ':method': 'POST', ':path': REVIEW_PATH, ...REVIEW_HEADERS })
    stream.end(body)
    const [headers] = await once(stream, 'response')
    return { status: headers[':status'], body: await json(stream) }
  } finally {
    session.destroy()
  }
}

async function askHttp1 ({ port, ca }, body) {
  const sent = request({ host: '127.0.0.1', port, ca, path: REVIEW_PATH, method: 'POST', headers: { ...REVIEW_HEADERS, 'content-length': Buffer.byteLength(body) }, agent: false })
  sent.end(body)
  const [response] = await once(sent, 'response')
  return { status: response.statusCode, body: await json(response) }
}
