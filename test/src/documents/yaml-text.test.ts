import { test } from 'tap'
import { parse, type YAMLMap, type YAMLSeq } from 'yaml'
import { appendItems, parseYamlText, removeItem, removeItems, setKey } from '../../../src/documents/yaml-text.js'

const PEOPLE = `\
# Who works here.
apiVersion: authn-webhook/v1

users:   # in no order
    # alice leads

    - username: alice     # aligned
      uid:      "1001"
      groups: [developers,   'on call']
      # one for each machine
      tokens:
      - { name: laptop,  hash: a1 }   # hers
      - name: ci
        hash: 'a2'
        # until: next year

    # bob has left
    - username: bob
      disabled: true   # left
      groups:
        - developers

    - {username: carol,   uid: "3"} # carol
# the end
`

const rootOf = (text: string) => parseYamlText(text).contents as YAMLMap
const usersOf = (text: string) => rootOf(text).get('users') as YAMLSeq
const userOf = (text: string, index: number) => usersOf(text).get(index) as YAMLMap

/** Lines that went (`-`) and lines that came (`+`), where everything between stayed. */
function difference (before: string, after: string): string[] {
  const [old, now] = [before.split('\n'), after.split('\n')]
  let start = 0
  while (start < old.length && old[start] === now[start]) start++
  let end = 0
  while (end < Math.min(old.length, now.length) - start && old.at(-1 - end) === now.at(-1 - end)) end++
  return [...old.slice(start, old.length - end).map((line) => `-${line}`), ...now.slice(start, now.length - end).map((line) => `+${line}`)]
}

test('one change of a file touches nothing else in it', (t) => {
  const cases: Array<[string, (text: string) => string, string[]]> = [
    ['a value is replaced, its comment stays', (text) => setKey(text, userOf(text, 1), 'disabled', false), ['-      disabled: true   # left', '+      disabled: false   # left']],
    ['a new key comes below the first', (text) => setKey(text, userOf(text, 0), 'disabled', true), ['+      disabled: true']],
    ['a value that would read as another type is quoted', (text) => setKey(text, userOf(text, 1), 'uid', '0042'), ['+      uid: "0042"']],
    ['a flow map is written anew', (text) => setKey(text, userOf(text, 2), 'disabled', true), ['-    - {username: carol,   uid: "3"} # carol', '+    - {username: carol, uid: "3", disabled: true} # carol']],
    ['an item is added with the indentation of its list, behind the comments of the last', (text) => appendItems(text, userOf(text, 0), 'tokens', [{ name: 'tv', hash: 'a3' }]), ['+      - name: tv', '+        hash: a3']],
    ['a missing list is made', (text) => appendItems(text, userOf(text, 1), 'tokens', [{ name: 'tv', hash: 'b1' }]), ['+      tokens:', '+        - name: tv', '+          hash: b1']],
    ['a missing list of a flow map is made in it', (text) => appendItems(text, userOf(text, 2), 'tokens', [{ name: 'tv', hash: 'c1' }]), ['-    - {username: carol,   uid: "3"} # carol', '+    - {username: carol, uid: "3", tokens: [{name: tv, hash: c1}]} # carol']],
    ['items that blank lines set apart stay so', (text) => appendItems(text, rootOf(text), 'users', [{ username: 'dave', groups: ['developers'] }]), ['+', '+    - username: dave', '+      groups: [developers]']],
    ['the first item goes without what stands above a blank line', (text) => removeItem(text, rootOf(text), 'users', 0), [
      '-    - username: alice     # aligned', '-      uid:      "1001"', "-      groups: [developers,   'on call']", '-      # one for each machine', '-      tokens:',
      '-      - { name: laptop,  hash: a1 }   # hers', '-      - name: ci', "-        hash: 'a2'", '-        # until: next year', '-']],
    ['an item goes with the comments right above', (text) => removeItem(text, rootOf(text), 'users', 1), ['-    # bob has left', '-    - username: bob', '-      disabled: true   # left', '-      groups:', '-        - developers', '-']],
    ['the last item goes, the comment behind the list stays', (text) => removeItem(text, rootOf(text), 'users', 2), ['-    - {username: carol,   uid: "3"} # carol']],
    ['several items go at once', (text) => removeItems(text, rootOf(text), 'users', [1, 2]), ['-    # bob has left', '-    - username: bob', '-      disabled: true   # left', '-      groups:', '-        - developers', '-', '-    - {username: carol,   uid: "3"} # carol']],
    ['an inner item goes', (text) => removeItem(text, userOf(text, 0), 'tokens', 0), ['-      - { name: laptop,  hash: a1 }   # hers']]
  ]
  for (const [name, change, expected] of cases) t.same(difference(PEOPLE, change(PEOPLE)), expected, name)
  t.end()
})

test('other layouts', (t) => {
  const cases: Array<[string, string, (text: string) => string, string]> = [
    ['a list without indentation, no line break at the end', 'users:\n- username: alice', (text) => appendItems(text, rootOf(text), 'users', [{ username: 'bob' }]), 'users:\n- username: alice\n- username: bob'],
    ['several items at once', 'users:\n- username: alice\n', (text) => appendItems(text, rootOf(text), 'users', [{ username: 'bob' }, { username: 'carol' }]), 'users:\n- username: alice\n- username: bob\n- username: carol\n'],
    ['an empty list becomes lines, its comment stays', 'users: []  # nobody yet\nlast: 1\n', (text) => appendItems(text, rootOf(text), 'users', [{ username: 'bob', uid: '2' }]), 'users:  # nobody yet\n  - username: bob\n    uid: "2"\nlast: 1\n'],
    ['a list whose only item goes is empty', 'users: # people\n  - username: alice\n\n  # later\nlast: 1\n', (text) => removeItem(text, rootOf(text), 'users', 0), 'users: [] # people\n  # later\nlast: 1\n'],
    ['a list whose items all go is empty', 'users:\n  - username: alice\n    # alice\n  - username: bob\nlast: 1\n', (text) => removeItems(text, rootOf(text), 'users', [0, 1]), 'users: []\nlast: 1\n'],
    ['several items of a flow list go', 'users: [a, b, c] # all\n', (text) => removeItems(text, rootOf(text), 'users', [0, 2]), 'users: [b] # all\n'],
    ['blank lines before the end of the file go', 'users:\n- username: alice\n\n- username: bob\n', (text) => removeItem(text, rootOf(text), 'users', 1), 'users:\n- username: alice\n'],
    ['line breaks of Windows', 'users:\r\n  - username: alice # a\r\n    uid: "1"\r\n  - username: bob\r\n', (text) => setKey(text, userOf(text, 0), 'disabled', true), 'users:\r\n  - username: alice # a\r\n    disabled: true\r\n    uid: "1"\r\n  - username: bob\r\n'],
    ['removal with line breaks of Windows', 'users:\r\n  - username: alice # a\r\n\r\n  - username: bob\r\n', (text) => removeItem(text, rootOf(text), 'users', 0), 'users:\r\n  - username: bob\r\n'],
    ['an empty list with line breaks of Windows', 'users: []\r\nlast: 1\r\n', (text) => appendItems(text, rootOf(text), 'users', [{ username: 'bob' }]), 'users:\r\n  - username: bob\r\nlast: 1\r\n'],
    ['a folded value', 'users:\n  - username: alice\n    hash: >-\n      abc\n      def\n  - username: bob\n', (text) => setKey(text, userOf(text, 0), 'hash', 'x'), 'users:\n  - username: alice\n    hash: x\n  - username: bob\n'],
    ['a first key that is a list', 'users:\n  - groups:\n      - developers\n    username: alice\n', (text) => setKey(text, userOf(text, 0), 'disabled', true), 'users:\n  - groups:\n      - developers\n    disabled: true\n    username: alice\n'],
    ['a dash on a line of its own', 'users:\n  -\n    username: alice\n  - username: bob\n', (text) => setKey(text, userOf(text, 0), 'disabled', true), 'users:\n  -\n    username: alice\n    disabled: true\n  - username: bob\n'],
    ['a flow list loses an item', 'users:\n  - username: alice\n    tokens: [{name: a}, {name: b}]\n', (text) => removeItem(text, userOf(text, 0), 'tokens', 0), 'users:\n  - username: alice\n    tokens: [{name: b}]\n'],
    ['a flow list gets an item', 'users:\n  - username: alice\n    tokens: [{name: a}] # hers\n', (text) => appendItems(text, userOf(text, 0), 'tokens', [{ name: 'b' }]), 'users:\n  - username: alice\n    tokens: [{name: a}, {name: b}] # hers\n'],
    ['a value for a key that has none, its comment stays', 'users: # nobody\nlast: 1\n', (text) => setKey(text, rootOf(text), 'users', []), 'users: [] # nobody\nlast: 1\n'],
    ['a value for a key with blanks behind it, at the end', 'first: 1\nlast:  ', (text) => setKey(text, rootOf(text), 'last', 'x'), 'first: 1\nlast: x  '],
    ['a value that YAML 1.1 reads as another type', 'users:\n  - username: alice\n', (text) => setKey(text, userOf(text, 0), 'username', 'yes'), 'users:\n  - username: "yes"\n'],
    ['a key without a value', 'users:\n  - username: alice\n    note:\n', (text) => setKey(text, userOf(text, 0), 'disabled', true), 'users:\n  - username: alice\n    disabled: true\n    note:\n']
  ]
  for (const [name, before, change, after] of cases) t.equal(change(before), after, name)
  t.end()
})

test('millions of blank lines', (t) => {
  const text = `users:\n- username: alice\n${'\n'.repeat(4_000_000)}- username: bob\n`
  t.equal(removeItem(text, rootOf(text), 'users', 1), 'users:\n- username: alice\n')
  t.end()
})

test('JSON is YAML, too', (t) => {
  const text = JSON.stringify({ users: [{ username: 'alice', tokens: [] }] }, null, 2)
  const more = appendItems(text, rootOf(text), 'users', [{ username: 'bob', groups: ['developers'] }])
  t.same(parse(more), { users: [{ username: 'alice', tokens: [] }, { username: 'bob', groups: ['developers'] }] })
  t.same(parse(setKey(more, userOf(more, 1), 'disabled', true)), { users: [{ username: 'alice', tokens: [] }, { username: 'bob', groups: ['developers'], disabled: true }] })
  t.same(parse(removeItem(more, rootOf(more), 'users', 0)), { users: [{ username: 'bob', groups: ['developers'] }] })
  t.end()
})
