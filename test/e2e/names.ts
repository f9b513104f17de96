/** Users with every oddity that a source of identities can come up with, and what must become of them. */
import type { UserInfo } from '../../schemas/token-review.js'

/** They arrive as they are. A users file may say all this. */
export const intact: Record<string, UserInfo> = {
  'a username alone': { username: 'robot' },
  'a colon in a username': { username: 'ops:deploy:eu', uid: 'ops:17' },
  'slashes in names': { username: 'team/alice', groups: ['ci/team', '/'] },
  'spaces within names': { username: 'Alice Smith', groups: ['Domain Users'] },
  'a mail address': { username: 'alice+k8s@example.com' },
  'what JSON escapes, and Go with it': { username: '\\CORP\\"alice\'', groups: ['"', '\\', '<b>&'] },
  'capitals, beside the same name without': { username: 'ALICE', groups: ['Developers'] },
  'a combining mark that no letter is composed with': { username: 'x\u0301enia' },
  'another script': { username: '愛理', groups: ['開発'] },
  'letters that are read from the right': { username: 'אליס', groups: ['عليّ'] },
  emoji: { username: '🚀', groups: ['👍🏽'], extra: { '🚀': ['🚀'] } },
  'names as long as they may be': { username: 'é'.repeat(128), groups: ['a'.repeat(256)] },
  'a thousand groups': { username: 'dora', groups: Array.from({ length: 1000 }, (_, index) => `group-${index}`) },
  'odd keys': { username: 'erin', extra: { 'a/b/c': ['1'], 'a%2fb': ['2'], 'with space': ['3'], 'example.com/kubernetes.io': ['4'], constructor: ['5'] } },
  'odd values': { username: 'frank', extra: { scopes: ['', 'one', 'one', 'two\nlines', ' '], 'example.com/none': [] } },
  'a key that means something to JavaScript': JSON.parse('{ "username": "grace", "extra": { "__proto__": ["x"] } }')
}

/** What can't be a name is left out; the rest arrives. */
export const leftOut: Record<string, { answered: UserInfo, left: UserInfo }> = {
  'groups that are empty, or there twice': {
    answered: { username: 'heidi', groups: ['', 'developers', 'platform', 'developers'] },
    left: { username: 'heidi', groups: ['developers', 'platform'] }
  },
  'a group in two Unicode forms': {
    answered: { username: 'heidi', groups: ['zoe\u0308', 'zo\u00eb'] },
    left: { username: 'heidi', groups: ['zo\u00eb'] }
  },
  'groups that only look like one': {
    answered: { username: 'heidi', groups: ['developers ', '\u202edevelopers', 'dev\u200belopers', 'developers\n', 'ops'] },
    left: { username: 'heidi', groups: ['ops'] }
  },
  'a username that is not composed': { answered: { username: 'zoe\u0308' }, left: { username: 'zo\u00eb' } },
  'a uid of two lines': { answered: { username: 'heidi', uid: '1\n001' }, left: { username: 'heidi' } },
  'an empty uid, no groups, no extra': { answered: { username: 'heidi', uid: '', groups: [], extra: {} }, left: { username: 'heidi' } },
  'keys with capitals': {
    answered: { username: 'heidi', extra: { Team: ['a'], 'Example.com/team': ['b'], team: ['c'] } },
    left: { username: 'heidi', extra: { team: ['c'] } }
  },
  'a value with half a character, which would arrive as another': {
    answered: { username: 'heidi', extra: { half: ['whole', 'half \ud83d'], team: ['c'] } },
    left: { username: 'heidi', extra: { team: ['c'] } }
  }
}

/** Usernames that are none. */
export const noNames: Record<string, string> = {
  'nothing at all': '',
  'spaces alone': '  ',
  'a space behind it': 'alice ',
  'a line break behind it': 'alice\n',
  'an invisible character in it': 'ali\u200bce',
  'one that is shown backwards': '\u202eecila',
  'half a character': 'alice\ud83d',
  'a byte too long': `${'é'.repeat(128)}a`
}

/** Answers that are no UserInfo: from a provider with a bug. */
export const noUserInfo: Record<string, unknown> = {
  'no user': {},
  'a user that is null': { user: null },
  'no username': { user: { groups: ['developers'] } },
  'a number as the username': { user: { username: 1001 } },
  'one group in place of a list': { user: { username: 'alice', groups: 'developers' } },
  'one value in place of a list': { user: { username: 'alice', extra: { team: 'platform' } } }
}

/** What no users file may say, beside a user zoë. */
export const refusedEntries: Record<string, UserInfo> = {
  'an empty username': { username: '' },
  'an empty group': { username: 'mallory', groups: [''] },
  'a key with capitals': { username: 'mallory', extra: { Team: ['a'] } },
  'a key of Kubernetes': { username: 'mallory', extra: { 'authentication.kubernetes.io/node-name': ['a'] } },
  'half a character': { username: 'mallory', extra: { team: ['half \ud83d'] } },
  'a name that somebody has, in another Unicode form': { username: 'zoe\u0308' }
}
