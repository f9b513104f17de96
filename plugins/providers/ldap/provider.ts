/** The course of a login: find the entry, look at its state, check the password, read the groups. */
import type { Answer, RequestContext, Denial, IdentityProvider, LookupQuery, OpenContext, PasswordCredential } from '../../../src/authn/provider.js'
import { accountStateOf } from './accounts/account-state.js'
import { Accounts, isAccount, type Account, type FindResult } from './accounts/accounts.js'
import type { Explain } from './accounts/typed-names.js'
import { attempt, attemptUnknown } from './accounts/attempt.js'
import { BadPasswordLimit } from './accounts/bad-password-limit.js'
import type { AccountDenial } from './connection/bind-outcome.js'
import type { CheckedPassword, Directory, Search } from './connection/directory.js'
import { coarseDN } from './syntax/distinguished-name.js'
import { groupAttributes, Groups } from './groups/groups.js'
import { RejectedPasswordCache } from './accounts/rejected-password-cache.js'
import type { LdapSettings } from './settings.js'

/** Of a name without an entry, which never changes. */
const NO_VERSION = { source: 'entry', value: '' } as const

export class LdapProvider implements IdentityProvider {
  readonly maxConcurrentChecks: number
  /** Absent without a service account: then only users can read their entries. */
  readonly lookup?: NonNullable<IdentityProvider['lookup']>
  readonly #settings: LdapSettings
  readonly #directory: Directory
  readonly #ctx: Pick<OpenContext, 'log' | 'countEvent'>
  readonly #accounts: Accounts
  readonly #groups: Groups
  readonly #rejected = new RejectedPasswordCache()
  /** For names whose password can't be checked. Separate, so that spraying names evicts no rejected password. */
  readonly #unchecked = new RejectedPasswordCache()
  readonly #badPasswordLimit: BadPasswordLimit | undefined
  #warnedOfCase = false

  constructor (settings: LdapSettings, directory: Directory, ctx: Pick<OpenContext, 'log' | 'countEvent'>) {
    const { maxBadPasswordCount: limit } = settings
    this.maxConcurrentChecks = settings.pool.max
    this.#settings = settings
    this.#directory = directory
    this.#ctx = ctx
    this.#badPasswordLimit = limit === undefined
      ? undefined
      : new BadPasswordLimit(limit, dn => {
        ctx.log.warn({ dn }, 'bind not sent: badPwdCount has reached maxBadPasswordCount')
        ctx.countEvent('bad-password-limit')
      })
    this.#accounts = new Accounts(settings, groupAttributes(settings.groups))
    this.#groups = new Groups(settings.groups, {
      onDropped: () => { ctx.countEvent('group-dropped') },
      onCaseMismatch: group => { this.#warnOfCase(group) }
    })
    if (!settings.readsAsUser) this.lookup = async (query, ctx) => await this.#lookup(query, ctx)
  }

  async authenticatePassword (credential: PasswordCredential, ctx: RequestContext): Promise<Answer> {
    // RFC 4513, 5.1.2: a bind without a password succeeds as an anonymous one
    if (credential.username === '' || credential.password === '') return null
    return this.#settings.readsAsUser ? await this.#authenticateAsUser(credential, ctx) : await this.#authenticateAsService(credential, ctx)
  }

  async ping ({ signal }: Pick<RequestContext, 'signal'>): Promise<void> {
    await this.#directory.ping(signal)
  }

  async #authenticateAsService ({ username, password }: PasswordCredential, ctx: RequestContext): Promise<Answer> {
    const search = this.#searchWith(ctx.signal)
    const found = await this.#accounts.find(username, search)
    if (!isAccount(found)) {
      await this.#spendUnchecked(await this.#accounts.unknownName(username, search), password, ctx)
      return this.#notFound(found)
    }
    const { denial, expiresAt } = accountStateOf(found.entry)
    if (denial !== undefined) {
      await this.#spendUnchecked(found.key, password, ctx)
      return this.#deny(found, denial)
    }
    if (this.#rejected.has(found.key, password, found.passwordVersion)) {
      this.#ctx.countEvent('rejected-from-cache')
      return { denied: 'wrong-credential', username: found.username }
    }
    const { outcome } = await attempt(found.key, ctx, async () => await this.#checkPassword(found, password, search, ctx.signal))
    if (outcome === 'incorrect') return { denied: 'wrong-credential', username: found.username }
    if (outcome !== 'correct') return this.#deny(found, outcome)
    return await this.#answer(found, search, expiresAt)
  }

  /** For a name without an account to bind as: costs as much as an incorrect password, and nothing if repeated. */
  async #spendUnchecked (name: string, password: string, ctx: RequestContext): Promise<void> {
    if (this.#unchecked.has(name, password, NO_VERSION)) return
    await attemptUnknown(name, ctx)
    this.#unchecked.add(name, password, NO_VERSION)
  }

  async #checkPassword ({ key, entry, passwordVersion }: Account, password: string, search: Search, signal: AbortSignal): Promise<Pick<CheckedPassword, 'outcome'>> {
    const bind = async (): Promise<CheckedPassword> => await this.#directory.checkPassword(entry.dn, password, signal)
    const { outcome, host } = await (this.#badPasswordLimit === undefined ? bind() : this.#badPasswordLimit.guard(entry.dn, search, bind))
    if (outcome !== 'incorrect') return { outcome }
    if (accountStateOf(entry).maybeLocked) return { outcome: { denied: 'locked', why: 'the directory rejected the bind while the account is locked' } }
    // another host may not know a new password yet, and the account may be locked by now
    if (host === entry.host && await this.#accounts.isUnlocked(entry.dn, search)) this.#rejected.add(key, password, passwordVersion)
    return { outcome }
  }

  /** Binds with the DN from the template, then searches as that user. */
  async #authenticateAsUser ({ username, password }: PasswordCredential, ctx: RequestContext): Promise<Answer> {
    const dn = this.#accounts.dnOf(username)
    const session = await attempt(coarseDN(dn), ctx, async () => await this.#directory.checkPasswordAndSearch(dn, password, ctx.signal, async search => {
      const found = await this.#accounts.find(username, search)
      if (!isAccount(found)) return this.#notFound(found)
      const { denial, expiresAt } = accountStateOf(found.entry)
      return denial === undefined ? await this.#answer(found, search, expiresAt) : this.#deny(found, denial)
    }))
    if (session.outcome === 'correct') return session.result
    return session.outcome === 'incorrect' ? { denied: 'wrong-credential' } : this.#deny({ entry: { dn } }, session.outcome)
  }

  async #lookup (query: LookupQuery, { signal, explain }: RequestContext): Promise<Answer> {
    const search = this.#searchWith(signal)
    if (Object.values(query).includes('')) return null
    const found = 'uid' in query ? await this.#accounts.findByUid(query.uid, search, explain) : await this.#accounts.find(query.username, search, explain)
    if (!isAccount(found)) return this.#notFound(found, explain)
    explain?.(`found ${found.entry.dn}`)
    const { denial, expiresAt } = accountStateOf(found.entry)
    if (expiresAt !== undefined) explain?.(`the account expires at ${expiresAt.toISOString()}`)
    if (denial === undefined) return await this.#answer(found, search, expiresAt, explain)
    explain?.(`denied, ${denial.denied}: ${denial.why}`)
    return this.#deny(found, denial)
  }

  async #answer (account: Account, search: Search, expiresAt: Date | undefined, explain?: Explain): Promise<Answer> {
    const { username, uid, extra, passwordVersion } = account
    const { user } = this.#settings
    explain?.(`username ${username} from ${user.username}; ${uid === undefined ? 'no uid' : `uid ${uid} from ${user.uid}`}`)
    const { names, admitted } = await this.#groups.of(account, search, explain)
    if (!admitted) return { denied: 'not-member', username }
    return { user: { username, ...uid !== undefined && { uid }, groups: names, extra }, expiresAt, ...passwordVersion?.source === 'password' && { passwordVersion: passwordVersion.value } }
  }

  /** Once, not at every login. */
  #warnOfCase (group: string): void {
    if (this.#warnedOfCase) return
    this.#warnedOfCase = true
    this.#ctx.log.warn({ requireGroup: this.#settings.groups.required, group }, 'denied a user whose group differs from requireGroup only in case: write requireGroup as the directory does')
  }

  #notFound (found: Exclude<FindResult, Account>, explain?: Explain): Denial | null {
    if (found === 'not-found') return null
    if (found === 'ambiguous') {
      explain?.('denied: several entries have that name')
      this.#ctx.countEvent('ambiguous-user')
      this.#ctx.log.warn({ filter: this.#settings.user.filter }, 'denied a user: several entries have that name; make userSearch.filter or userSearch.baseDN narrower')
      return { denied: 'wrong-credential' }
    }
    explain?.(`ignored: ${found.unusable}`)
    this.#ctx.log.warn({ reason: found.unusable }, 'ignored an entry without a username')
    return null
  }

  #deny ({ username, entry: { dn } }: { readonly username?: string, readonly entry: { readonly dn: string } }, { denied, why }: AccountDenial): Denial {
    this.#ctx.log.info({ dn, denied, why }, 'the directory denied an account')
    return { denied, ...username !== undefined && { username } }
  }

  #searchWith (signal: AbortSignal): Search {
    return async query => await this.#directory.search(query, signal)
  }
}
