/** Directories that repeat what they were given: no password gets into a log, an error or an explanation that way. */
import { test } from 'tap'
import { element, message, Response, result } from '../../../fixtures/ber.js'
import { Request, startHostile, type Say } from '../../../fixtures/hostile-directory.js'
import { ldapConfig, openLdap } from '../../../fixtures/ldap.js'
import { READER, SUFFIX } from '../../../fixtures/slapd.js'

const SERVICE = 'canary-service-password'
const PERSON = 'canary-of-alice'
/** Where long words end, a password would be cut in half. */
const WORDS = `odd: ${SERVICE}, ${'x'.repeat(900)} ${SERVICE.repeat(4)}`
const WORDS_OF_PERSON = `odd: ${SERVICE} and ${PERSON}, ${'x'.repeat(900)} ${PERSON.repeat(5)}`

const ENTRY = element(Response.entry, element(0x04, `uid=alice,${SUFFIX}`), element(0x30, element(0x30, element(0x04, 'uid'), element(0x31, element(0x04, 'alice')))))
const NOTICE = notice(WORDS)

function notice (words: string): Buffer {
  return message(0, result(Response.extended, 52, words, element(0x8a, '1.3.6.1.4.1.1466.20036')))
}

/** `bind` and `search`: codes; absent: as it should be. */
function saying ({ bind = 0, search, ofPeople = 0 }: { bind?: number, search?: number, ofPeople?: number } = {}): Say {
  return (socket, { id, operation, body }) => {
    if (operation === Request.bind) {
      const [code, words] = body.includes(PERSON) ? [ofPeople, WORDS_OF_PERSON] : [bind, WORDS]
      socket.write(message(id, result(Response.bind, code, code === 0 ? '' : words)))
    } else if (search !== undefined) socket.write(message(id, result(Response.result, search, WORDS)))
    else socket.write(Buffer.concat([message(id, ENTRY), message(id, result(Response.result))]))
  }
}

const cases: Array<[what: string, say: Say, expected: RegExp, fields?: object]> = [
  ['a service bind that is refused', saying({ bind: 49 }), /rejected the service account .* is wrong \(InvalidCredentialsError 49: odd: \[redacted\], /],
  ['one for another reason', saying({ bind: 1 }), /rejected the service account .*: OperationsError 1: odd: \[redacted\]/],
  ['a host that takes no service bind', saying({ bind: 80 }), /can't process a bind now: .*odd: \[redacted\]/],
  ['a search that is refused', saying({ search: 50 }), /rejected a search .*odd: \[redacted\]/],
  ['a search that the host can not do now', saying({ search: 80 }), /rejected a search .*odd: \[redacted\]/],
  ['a bind of a person without a verdict', saying({ ofPeople: 1 }), /did not check the password: OperationsError 1: odd: \[redacted\] and \[redacted\],/],
  ['a host that takes no bind of a person', saying({ ofPeople: 51 }), /can't process a bind now: .*odd: \[redacted\] and \[redacted\],/],
  ['a notice of disconnection', socket => { socket.write(NOTICE) }, /announces the end of the connection: result code 52 \(odd: \[redacted\]/],
  ['a notice of disconnection in place of the answer to a person', (socket, request) => {
    if (request.body.includes(PERSON)) socket.write(notice(WORDS_OF_PERSON))
    else saying()(socket, request)
  }, /announces the end of the connection: result code 52 \(odd: \[redacted\] and \[redacted\],/],
  ['a refusal of StartTLS', (socket, { id }) => { socket.write(message(id, result(Response.extended, 53, WORDS))) }, /it rejected StartTLS: result code 53 \(odd: \[redacted\]/, { tls: { mode: 'startTLS' } }],
  ['a notice in place of StartTLS', socket => { socket.write(NOTICE) }, /StartTLS is invalid: .*odd: \[redacted\]/, { tls: { mode: 'startTLS' } }]
]

/** With a service account whose password the directory knows. */
function configOf (port: number, fields: object): ReturnType<typeof ldapConfig> {
  return ldapConfig({
    preset: 'openldap',
    urls: [`ldap://127.0.0.1:${port}`],
    tls: { mode: 'none', insecure: true },
    bindDN: READER.dn,
    bindPassword: SERVICE,
    pool: { min: 0 },
    userSearch: { baseDN: SUFFIX },
    ...fields
  })
}

for (const [what, say, expected, fields] of cases) {
  test(what, async t => {
    const directory = await startHostile(t, say)
    const { ask, lookup, logged } = await openLdap(t, configOf(directory.port, { groupSearch: { mode: 'none' }, ...fields }))
    const error = await t.rejects(ask('alice', PERSON), { code: 'AUTHN_DIRECTORY', message: expected })
    const again = await lookup('alice').catch((error: unknown) => error)
    t.notMatch([String(error), String(again), ...logged].join('\n'), 'canary')
  })
}
