/** An answer over HTTP/1.1 to a client that gets none of Node's responses. */
import { STATUS_CODES } from 'node:http'

/** The last of its connection. @param body JSON */
export function http1Answer (code: number, body: string): string {
  return [
    `HTTP/1.1 ${code} ${STATUS_CODES[code]}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body
  ].join('\r\n')
}
