/**
 * The static provider: users of a users file.
 *
 *     kind: static
 *     config: { usersFile: users.yaml }
 *
 * A token costs one digest and one look-up, and is neither cached nor queued. A
 * password costs one hash in the threadpool, limited by `ctx.attempt`. An unknown
 * name, an account without a password and a disabled one take the same time and
 * are throttled in the same way, unless the hashes of the file differ in cost: a
 * warning is logged then. SECURITY.md lists what response times can reveal.
 */
import { StaticProviderConfig } from '../../../schemas/providers/static.js'
import { defineIdentityProvider, type Answer, type Authentication, type RequestContext, type Denial, type IdentityProvider, type LookupQuery, type PasswordCredential } from '../../../src/authn/provider.js'
import type { PasswordHash } from '../../../src/authn/password-hash.js'
import { digestOf } from '../../../src/authn/request-context.js'
import type { FoundToken, UserEntry, Users } from '../../../src/users-file/users.js'
import { openUsers, type WatchedUsers } from '../../../src/users-file/reload.js'
import { findUserWarnings } from '../../../src/users-file/warnings.js'
import { parseUsers, readUsersText } from '../../../src/users-file/read.js'

export default defineIdentityProvider<StaticProviderConfig>({
  contract: 1,
  kind: 'static',
  schema: StaticProviderConfig,
  async open ({ usersFile }, ctx) {
    return createStaticProvider(await openUsers(ctx.resolvePath(usersFile), ctx))
  },
  async validateFiles ({ usersFile }, { resolvePath, warn, findReservedNames }) {
    const file = resolvePath(usersFile)
    const text = await readUsersText(file)
    for (const warning of findUserWarnings(text, parseUsers(text, file), findReservedNames)) warn({ file, ...warning })
  }
})

function createStaticProvider (users: WatchedUsers): IdentityProvider {
  return {
    synchronous: ['token'],
    authenticateToken: (token, ctx) => answerToken(users.current.byDigest(digestOf(token, ctx))),
    authenticatePassword: async (password, ctx) => await answerPassword(users.current, password, ctx),
    lookup: (query, { explain }) => lookUp(users.current, query, explain),
    close: () => { users.close() }
  }
}

function answerToken (found: FoundToken | undefined): Answer {
  if (found === undefined) return null
  const { user, token } = found
  const expiresAt = earlier(user.expiresAt, token.expiresAt)
  return denialOf(user, expiresAt) ?? { user: user.info, audiences: token.audiences, expiresAt }
}

/**
 * Reveals that an account is disabled only to its right password. For an account
 * without a password, falls through to the next provider, which may have one.
 */
async function answerPassword (users: Users, { username, password }: PasswordCredential, ctx: RequestContext): Promise<Answer> {
  const user = users.byName(username)
  if (user?.passwordHash === undefined) {
    // without a decoy no user has a password, and there is nothing to reveal
    const { decoy } = users
    if (decoy !== undefined) await ctx.attemptUnknown(username.normalize('NFC'), async () => await decoy.verify(password))
    return null
  }
  if (!await checkPassword(user.info.username, user.passwordHash, password, ctx)) return { denied: 'wrong-credential', username: user.info.username }
  return denialOf(user, user.expiresAt) ?? authenticationOf(user)
}

async function checkPassword (username: string, hash: PasswordHash, password: string, ctx: RequestContext): Promise<boolean> {
  const right = await ctx.attempt(username, async () => await hash.verify(password) ? 'correct' : 'incorrect') === 'correct'
  const unfit = right ? undefined : hash.unfit(password)
  if (unfit !== undefined) ctx.log.warn({ username }, `rejected a password that is ${unfit}`)
  return right
}

function lookUp (users: Users, query: LookupQuery, explain: RequestContext['explain']): Answer {
  const user = 'uid' in query ? users.byUid(query.uid) : users.byName(query.username)
  if (user === undefined) {
    explain?.(`the users file has no user of this ${'uid' in query ? 'uid' : 'name'}`)
    return null
  }
  if (user === 'ambiguous') {
    explain?.('denied: several users of the users file have this uid')
    return { denied: 'wrong-credential' }
  }
  const denial = denialOf(user, user.expiresAt)
  if (denial === undefined) return authenticationOf(user)
  explain?.(`denied, ${denial.denied}: ${denial.denied === 'disabled' ? 'the users file disables this user' : `this user expired at ${user.expiresAt?.toISOString()}`}`)
  return denial
}

/** The answer to a password and to a lookup. */
function authenticationOf ({ info, expiresAt, passwordVersion }: UserEntry): Authentication {
  return { user: info, expiresAt, ...passwordVersion !== undefined && { passwordVersion } }
}

function denialOf (user: UserEntry, expiresAt: Date | undefined): Denial | undefined {
  const { username } = user.info
  if (user.disabled) return { denied: 'disabled', username }
  if (expiresAt !== undefined && expiresAt.getTime() <= Date.now()) return { denied: 'expired', username }
  return undefined
}

function earlier (a: Date | undefined, b: Date | undefined): Date | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a < b ? a : b
}
