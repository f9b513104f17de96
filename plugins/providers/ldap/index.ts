/**
 * The ldap provider: people of an LDAP directory or of Active Directory.
 *
 *     kind: ldap
 *     config:
 *       preset: activeDirectory
 *       urls: [ldaps://dc1.example.com, ldaps://dc2.example.com]
 *       bindDN: reader@example.com
 *       bindPassword: { file: ldap-password }
 *       userSearch: { baseDN: "DC=example,DC=com" }
 *
 * Read provider.ts for the way of a question, directory.ts for what is asked
 * over which connection, groups.ts for groups. docs/ldap.md is for operators.
 */
import { LdapProviderConfig } from '../../../schemas/providers/ldap.js'
import { defineIdentityProvider } from '../../../src/authn/provider.js'
import { Directory } from './connection/directory.js'
import { validate } from './validate.js'
import { LdapProvider } from './provider.js'
import { resolveSettings } from './settings.js'
import { validateTlsFiles, openTlsFiles } from './connection/tls-files.js'

export default defineIdentityProvider<LdapProviderConfig>({
  contract: 1,
  kind: 'ldap',
  schema: LdapProviderConfig,
  events: ['service-bind-refused', 'host-lost', 'group-dropped', 'ambiguous-user', 'refused-from-memory', 'bad-password-limit'],
  validate,
  async open (config, ctx) {
    const tlsFiles = await openTlsFiles(config.tls, ctx)
    const settings = resolveSettings(config)
    const directory = new Directory({ config, settings, certificates: () => tlsFiles.current(), ctx })
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
