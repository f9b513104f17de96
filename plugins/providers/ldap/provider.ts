/**
 * A question to the directory from beginning to end: find the entry, look at
 * its state, test the password, read the groups.
 */
import type { Answer, RequestContext, Denial, IdentityProvider, OpenContext, PasswordCredential, UserInfo } from '../../../src/authn/provider.js'
import { DirectoryError } from '../../../src/errors.js'
import { accountStateOf } from './accounts/account-state.js'
import { Accounts, type Account, type Explain, type FindResult } from './accounts/accounts.js'
import { attempt, attemptUnknown } from './accounts/attempt.js'
import { BadPasswordLimit } from './accounts/bad-password-limit.js'
import type { Directory, Search, CheckedPassword } from './connection/directory.js'
import { coarseDN } from './syntax/distinguished-name.js'
import { DomainNames } from './accounts/domain-names.js'
import { groupAttributes, Groups } from './groups/groups.js'
import { RejectedPasswordCache } from './accounts/rejected-password-cache.js'
import type { LdapSettings } from './settings.js'
import type { AccountDenial } from './connection/bind-outcome.js'

/** There is no entry, hence nothing that could change. */
const NO_MARK = { of: 'entry', value: '' } as const

type Surroundings = Pick<OpenContext, 'log' | 'countEvent'>

export class LdapProvider implements IdentityProvider {
  readonly maxConcurrentChecks: number
  /** Nobody but users themselves may read their entries: then there is no look-up. */
  readonly lookup?: NonNullable<IdentityProvider['lookup']>
  readonly #settings: LdapSettings
  readonly #directory: Directory
  readonly #ctx: Surroundings
  readonly #accounts: Accounts
  readonly #groups: Groups
  readonly #refused = new RejectedPasswordCache()
  /** The same of names that can't be tested, apart: no spray of names evicts what the directory has refused. */
  readonly #untested = new RejectedPasswordCache()
  readonly #badPasswords: BadPasswordLimit | undefined
  #warnedOfCase = false

  constructor (settings: LdapSettings, directory: Directory, ctx: Surroundings) {
    const { maxBadPasswordCount: limit } = settings
    this.maxConcurrentChecks = settings.pool.max
    this.#settings = settings
    this.#directory = directory
    this.#ctx = ctx
    this.#badPasswords = limit === undefined
      ? undefined
      : new BadPasswordLimit(limit, dn => {
        ctx.log.warn({ dn }, 'no bind: badPwdCount has reached maxBadPasswordCount')
        ctx.countEvent?.('bad-password-limit')
      })
    this.#accounts = new Accounts(settings, new DomainNames(), groupAttributes(settings.groups))
    this.#groups = new Groups(settings.groups, {
      onDropped: () => { ctx.countEvent?.('group-dropped') },
      onCaseMismatch: group => { this.#warnOfCase(group) }
    })
    if (!settings.readsAsUser) this.lookup = async (username, ctx) => await this.#lookUp(username, ctx)
  }

  async authenticatePassword (password: PasswordCredential, ctx: RequestContext): Promise<Answer> {
    // RFC 4513, 5.1.2: a bind without a password succeeds, and proves nothing
    if (password.username === '' || password.password === '') return null
    return this.#settings.readsAsUser ? await this.#asUser(password, ctx) : await this.#asService(password, ctx)
  }

  async ping ({ signal }: Pick<RequestContext, 'signal'>): Promise<void> {
    await this.#directory.ping(signal)
  }

  async #asService ({ username, password }: PasswordCredential, ctx: RequestContext): Promise<Answer> {
    const { signal } = ctx
    const search = this.#searchBy(signal)
    const found = await this.#accounts.find(username, search)
    if (!isAccount(found)) {
      await this.#spend(await this.#accounts.unknownName(username, search), password, ctx)
      return this.#unfound(found)
    }
    const state = accountStateOf(found.entry)
    if (state.refusal !== undefined) {
      await this.#spend(found.key, password, ctx)
      return this.#refuse(found, state.refusal)
    }
    if (this.#refused.has(found.key, password, found.passwordVersion)) {
      this.#ctx.countEvent?.('refused-from-memory')
      return { denied: 'wrong-credential', username: found.username }
    }
    const outcome = await attempt(found.key, ctx, async () => {
      const { outcome, host } = await this.#test(found.entry.dn, password, search, signal)
      if (outcome !== 'incorrect') return outcome
      if (state.maybeLocked) return { denied: 'locked', why: 'the bind was refused while the account is locked' }
      // a host that lags behind the other one may not know a new password yet; an account may be locked by now
      if (host === found.entry.host && await this.#accounts.isUnlocked(found.entry.dn, search)) this.#refused.add(found.key, password, found.passwordVersion)
      return 'incorrect'
    })
    if (outcome === 'incorrect') return { denied: 'wrong-credential', username: found.username }
    if (outcome !== 'correct') return this.#refuse(found, outcome)
    return await this.#answer(found, search, state.expiresAt)
  }

  /** For a name without an entry to bind as: costs as much as a wrong password, and nothing if it is the same one again. */
  async #spend (name: string, password: string, ctx: RequestContext): Promise<void> {
    if (this.#untested.has(name, password, NO_MARK)) return
    await attemptUnknown(name, ctx)
    this.#untested.add(name, password, NO_MARK)
  }

  async #test (dn: string, password: string, search: Search, signal: AbortSignal): Promise<CheckedPassword> {
    const test = async (): Promise<CheckedPassword> => await this.#directory.checkPassword(dn, password, signal)
    return this.#badPasswords === undefined ? await test() : await this.#badPasswords.guard(dn, search, test)
  }

  /** Without a service account: bind under the name that the template gives, then read as that user. */
  async #asUser ({ username, password }: PasswordCredential, ctx: RequestContext): Promise<Answer> {
    const dn = this.#accounts.dnOf(username)
    let answer: Answer | undefined
    const outcome = await attempt(coarseDN(dn), ctx, async () => {
      const { outcome, used } = await this.#directory.checkPasswordAndSearch(dn, password, ctx.signal, async search => {
        const found = await this.#accounts.find(username, search)
        if (!isAccount(found)) return this.#unfound(found)
        const { refusal, expiresAt } = accountStateOf(found.entry)
        return refusal === undefined ? await this.#answer(found, search, expiresAt) : this.#refuse(found, refusal)
      })
      answer = used
      return outcome
    })
    if (outcome === 'incorrect') return { denied: 'wrong-credential' }
    if (outcome !== 'correct') return this.#refuse({ username: undefined, entry: { dn } }, outcome)
    // the throttle alone may say "right" without having asked
    if (answer === undefined) throw new DirectoryError('nobody looked at the password')
    return answer
  }

  async #lookUp (username: string, { signal, explain }: RequestContext): Promise<UserInfo | null> {
    const search = this.#searchBy(signal)
    const found = await this.#accounts.find(username, search, explain)
    if (!isAccount(found)) {
      this.#unfound(found, explain)
      return null
    }
    explain?.(`found ${found.entry.dn}`)
    const { refusal, expiresAt } = accountStateOf(found.entry)
    if (expiresAt !== undefined) explain?.(`the account ends at ${expiresAt.toISOString()}`)
    if (refusal !== undefined) {
      explain?.(`refused, ${refusal.denied}: ${refusal.why}`)
      return null
    }
    const answer = await this.#answer(found, search, expiresAt, explain)
    return answer !== null && 'user' in answer ? answer.user : null
  }

  async #answer (account: Account, search: Search, expiresAt: Date | undefined, explain?: Explain): Promise<Answer> {
    const { username, uid, extra } = account
    const { user } = this.#settings
    explain?.(`username ${username}, its ${user.username}; ${uid === undefined ? 'no uid' : `uid ${uid}, its ${user.uid}`}`)
    const { names, admitted } = await this.#groups.of(account, search, explain)
    if (!admitted) return { denied: 'not-member', username }
    return { user: { username, ...uid !== undefined && { uid }, groups: names, extra }, expiresAt }
  }

  /** Once: every login would repeat it. */
  #warnOfCase (group: string): void {
    if (this.#warnedOfCase) return
    this.#warnedOfCase = true
    this.#ctx.log.warn({ requireGroup: this.#settings.groups.required, group }, 'denied a user whose group differs from requireGroup in upper and lower case only; write requireGroup as the directory does')
  }

  #unfound (found: Exclude<FindResult, Account>, explain?: Explain): Denial | null {
    if (found === 'nobody') return null
    if (found === 'ambiguous') {
      explain?.('refused: several entries are called that')
      this.#ctx.countEvent?.('ambiguous-user')
      this.#ctx.log.warn({ filter: this.#settings.user.filter }, 'several entries for one name; nobody is let in by it: make userSearch.filter or baseDN narrower')
      return { denied: 'wrong-credential' }
    }
    explain?.(`left out: ${found.unusable}`)
    this.#ctx.log.warn({ reason: found.unusable }, 'an entry without a username is nobody')
    return null
  }

  #refuse ({ username, entry: { dn } }: { username: string | undefined, entry: { dn: string } }, { denied, why }: AccountDenial): Denial {
    this.#ctx.log.info({ dn, denied, why }, 'an account of the directory was refused')
    return { denied, ...username !== undefined && { username } }
  }

  #searchBy (signal: AbortSignal): Search {
    return async query => await this.#directory.search(query, signal)
  }
}

function isAccount (found: FindResult): found is Account {
  return typeof found === 'object' && 'entry' in found
}
