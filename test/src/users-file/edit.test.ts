/** Changes of a users file, whatever it looks like: the right ones, and every comment stays. */
import fc from 'fast-check'
import { test } from 'tap'
import { parse } from 'yaml'
import type { User, UserToken } from '../../../schemas/users.js'
import { digestToken } from '../../../src/authn/token-digest.js'
import { UsersEditor } from '../../../src/users-file/edit.js'
import { holdsAsync } from '../../fixtures/property.js'

interface Layout {
  readonly user: User
  /** Lists in one line. */
  readonly flow: boolean
  readonly above: boolean
  readonly behind: boolean
  readonly blank: boolean
}

function tokenOf (username: string, name: string): UserToken {
  return { name, hash: digestToken(`${username} ${name}`) }
}

const layout: fc.Arbitrary<Omit<Layout, 'user'> & { readonly user: Omit<User, 'username'> }> = fc.record({
  user: fc.record({
    uid: fc.constantFrom('1001', 'u-7'),
    disabled: fc.boolean(),
    groups: fc.uniqueArray(fc.constantFrom('developers', 'on call', 'admins', "o'clock", '#ops'), { maxLength: 3 }),
    tokens: fc.uniqueArray(fc.constantFrom('laptop', 'ci', 'tv'), { maxLength: 2 }).map(names => names.map(name => ({ name, hash: digestToken(name) })))
  }, { requiredKeys: [] }),
  flow: fc.boolean(),
  above: fc.boolean(),
  behind: fc.boolean(),
  blank: fc.boolean()
})

const file = fc.record({
  entries: fc.array(layout, { minLength: 1, maxLength: 4 }).map(layouts => layouts.map((each, index) => {
    const username = ['alice', 'bob', 'carol', 'dave'][index]!
    const { tokens } = each.user
    // a token belongs to one user
    return { ...each, user: { username, ...each.user, ...tokens && { tokens: tokens.map(({ name }) => tokenOf(username, name)) } } }
  })),
  indentation: fc.constantFrom('', '  ', '    '),
  lineBreak: fc.constantFrom('\n', '\r\n'),
  atEnd: fc.boolean()
})

/** A comment says whose it is. */
function write ({ entries, indentation, lineBreak, atEnd }: { entries: readonly Layout[], indentation: string, lineBreak: string, atEnd: boolean }): string {
  const lines = ['# of the file', 'apiVersion: authn-webhook/v1', 'users: # of the list']
  for (const { user: { username, uid, disabled, groups, tokens }, flow, above, behind, blank } of entries) {
    const comment = (what: string): string => behind ? ` # of ${username}: ${what}` : ''
    const list = (key: string, items: readonly object[] | readonly string[]): string[] => flow || items.length === 0
      ? [`  ${key}: ${JSON.stringify(items)}${comment(key)}`]
      : [`  ${key}:${comment(key)}`, ...items.map(item => `    - ${JSON.stringify(item)}${comment(JSON.stringify(item))}`)]
    if (blank) lines.push('')
    if (above) lines.push(`${indentation}# of ${username}`)
    lines.push(...[
      `- username: ${username}${comment('name')}`,
      ...uid === undefined ? [] : [`  uid: "${uid}"${comment('uid')}`],
      ...disabled === undefined ? [] : [`  disabled: ${disabled}${comment('disabled')}`],
      ...groups === undefined ? [] : list('groups', groups),
      ...tokens === undefined ? [] : list('tokens', tokens)
    ].map(line => indentation + line))
  }
  if (atEnd) lines.push('# of the end')
  return lines.join(lineBreak) + lineBreak
}

interface Change {
  readonly edit: (editor: UsersEditor) => void
  /** `undefined` if the user goes. */
  readonly result: (user: User) => User | undefined
  /** A comment of the user that goes with what it is about. */
  readonly loses?: (comment: string) => boolean
}

function changesOf ({ username, groups = [], tokens = [], uid }: User): Change[] {
  const without = (item: unknown) => (comment: string): boolean => comment.endsWith(`: ${JSON.stringify(item)}`)
  return [
    { edit: editor => { editor.remove(username) }, result: () => undefined },
    { edit: editor => { editor.set(username, 'disabled', true) }, result: user => ({ ...user, disabled: true }) },
    { edit: editor => { editor.set(username, 'uid', '0042') }, result: user => ({ ...user, uid: '0042' }) },
    { edit: editor => { editor.addGroups(username, ['new', 'a: b']) }, result: user => ({ ...user, groups: [...groups, 'new', 'a: b'] }) },
    { edit: editor => { editor.addToken(username, tokenOf(username, 'new')) }, result: user => ({ ...user, tokens: [...tokens, tokenOf(username, 'new')] }) },
    ...uid === undefined ? [] : [{ edit: (editor: UsersEditor) => { editor.unset(username, 'uid') }, result: ({ uid: _, ...user }: User) => user, loses: (comment: string) => comment.endsWith(': uid') }],
    ...groups.slice(0, 1).map(group => ({ edit: (editor: UsersEditor) => { editor.removeGroup(username, group) }, result: (user: User) => ({ ...user, groups: groups.slice(1) }), loses: without(group) })),
    ...tokens.slice(0, 1).map(token => ({ edit: (editor: UsersEditor) => { editor.removeToken(username, token.name) }, result: (user: User) => ({ ...user, tokens: tokens.slice(1) }), loses: without(token) }))
  ]
}

function commentsOf (text: string): string[] {
  return text.split(/\r?\n/).flatMap(line => /(?:^| )(# of .*)$/.exec(line)?.[1] ?? [])
}

test('one change is made, everybody else is left alone, and comments stay with what they are about', async t => {
  await holdsAsync(t, fc.asyncProperty(file, fc.nat(), fc.nat(), async (given, whose, which) => {
    const { entries } = given
    const text = write(given)
    const { user } = entries[whose % entries.length]!
    const changes = changesOf(user)
    const { edit, result, loses = () => false } = changes[which % changes.length]!
    let saved = ''
    const editor = new UsersEditor('users.yaml', text, { save: async changed => { saved = changed; return true } })
    edit(editor)
    await editor.save()

    const expected = entries.map(entry => entry.user === user ? result(user) : entry.user).filter(user => user !== undefined)
    const isGone = (comment: string): boolean => expected.length < entries.length ? new RegExp(`^# of ${user.username}(:|$)`).test(comment) : comment.startsWith(`# of ${user.username}: `) && loses(comment)
    return JSON.stringify(sorted(parse(saved).users)) === JSON.stringify(sorted(expected)) &&
      JSON.stringify(commentsOf(saved)) === JSON.stringify(commentsOf(text).filter(comment => !isGone(comment))) &&
      !/(?<!\r)\n/.test(given.lineBreak === '\r\n' ? saved : '')
  }), 1000)
})

function sorted (users: readonly User[]): unknown {
  return users.map(user => Object.entries(user).sort(([a], [b]) => a < b ? -1 : 1))
}
