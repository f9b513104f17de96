/** The issuers of a config, by their URL, with their keys. Those of a configuration file change when it does. */
import type { JwtProviderConfig } from '../../../../schemas/providers/jwt.js'
import type { OpenContext } from '../../../../src/authn/provider.js'
import { EVENTS } from '../events.js'
import { groupsClaimOf } from '../claims/groups.js'
import { openKeys, type OpenKeys } from '../keys/open-keys.js'
import { openConfigurationFile } from './configuration-file.js'
import { resolveIssuers, type IssuerSettings } from './issuer-settings.js'

export interface Issuer {
  readonly settings: IssuerSettings
  readonly keys: OpenKeys
  /** Paths of the claims that its mappings and rules read. */
  readonly claimsRead: ReadonlySet<string>
}

export interface Issuers {
  get: (url: string) => Issuer | undefined
  all: () => readonly Issuer[]
  close: () => void
}

/** @throws ValidationError for a file that can't be used */
export async function openIssuers (config: JwtProviderConfig, ctx: OpenContext): Promise<Issuers> {
  const { issuers = [], authenticationConfigurationFile: path } = config
  if (path === undefined) return await IssuerSet.open(resolveIssuers(issuers, ctx.resolvePath), ctx)
  let current: IssuerSet | undefined
  const file = await openConfigurationFile(ctx.resolvePath(path), ctx, async next => {
    const previous = current
    current = await IssuerSet.open(next, ctx, previous)
    previous?.close(current)
  })
  current ??= await IssuerSet.open(file.current, ctx)
  return {
    get: url => current?.get(url),
    all: () => current?.all() ?? [],
    close () {
      file.close()
      current?.close()
    }
  }
}

class IssuerSet implements Issuers {
  readonly #issuers = new Map<string, Issuer>()
  /** By what they depend on: keys outlive a change of everything else. */
  readonly #keys = new Map<string, OpenKeys>()

  /** Opens the keys that `previous` does not have. If one can't be opened, closes those before it and throws. */
  static async open (all: readonly IssuerSettings[], ctx: OpenContext, previous?: IssuerSet): Promise<IssuerSet> {
    const set = new IssuerSet()
    try {
      for (const settings of all) await set.#add(settings, ctx, previous)
      return set
    } catch (error) {
      set.close(previous)
      throw error
    }
  }

  get (url: string): Issuer | undefined {
    return this.#issuers.get(url)
  }

  all (): readonly Issuer[] {
    return [...this.#issuers.values()]
  }

  /** Closes the keys, except for those that the other set uses. */
  close (other?: IssuerSet): void {
    for (const [id, keys] of this.#keys) if (other === undefined || other.#keys.get(id) !== keys) keys.close()
  }

  async #add (settings: IssuerSettings, ctx: OpenContext, previous: IssuerSet | undefined): Promise<void> {
    const { url, discoveryURL, certificateAuthority, certificateAuthorityFile, jwksFile, maxKeyAge } = settings
    const id = JSON.stringify([url, discoveryURL, certificateAuthority, certificateAuthorityFile, jwksFile, maxKeyAge])
    // for alerts on an increase
    for (const event of EVENTS) ctx.countEvent(event, url, 0)
    const kept = previous === undefined ? undefined : previous.#keys.get(id)
    const keys = kept ?? await openKeys(settings, ctx)
    this.#keys.set(id, keys)
    this.#issuers.set(url, { settings, keys, claimsRead: claimsReadBy(settings) })
  }
}

/** Claims that are looked at whatever the mappings and rules read. */
function verified ({ username }: IssuerSettings): string[] {
  const always = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti']
  return 'claim' in username && username.claim === 'email' ? [...always, 'email_verified'] : always
}

function claimsReadBy (settings: IssuerSettings): Set<string> {
  const { username, groups, uid, extra, claimRules } = settings
  const read = [username, groups, uid, ...extra, ...claimRules].flatMap(each => {
    if (each === undefined) return []
    return 'expression' in each ? [...each.expression.reads] : [each.claim]
  })
  return new Set([...read, ...[groupsClaimOf(settings) ?? []].flat(), ...verified(settings)])
}
