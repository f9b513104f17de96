/**
 * The ldap provider: users of an LDAP directory or of Active Directory.
 *
 * Start with provider.ts for the course of a login, connection/directory.ts for
 * connections, groups/groups.ts for groups. docs/ldap.md is for operators.
 */
import { LdapProviderConfig } from '../../../schemas/providers/ldap.js'
import { defineIdentityProvider } from '../../../src/authn/provider.js'
import { Directory } from './connection/directory.js'
import { validate } from './validate.js'
import { LdapProvider } from './provider.js'
import { resolveSettings } from './settings.js'
import { openTlsFiles, validateTlsFiles } from './connection/tls-files.js'

export default defineIdentityProvider<LdapProviderConfig>({
  contract: 1,
  kind: 'ldap',
  schema: LdapProviderConfig,
  events: ['service-bind-rejected', 'host-lost', 'group-dropped', 'ambiguous-user', 'rejected-from-cache', 'bad-password-limit'],
  validate,
  async open (config, ctx) {
    const tlsFiles = await openTlsFiles(config.tls, ctx)
    const settings = resolveSettings(config)
    const directory = new Directory(config, settings, () => tlsFiles.current(), ctx)
    const provider = new LdapProvider(settings, directory, ctx)
    return Object.assign(provider, {
      close () {
        tlsFiles.close()
        directory.close()
      }
    })
  },
  async validateFiles ({ tls }, ctx) {
    await validateTlsFiles(tls, ctx.resolvePath)
  }
})
