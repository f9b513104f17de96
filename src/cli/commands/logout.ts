/** `authn-webhook logout` */
import { Command, Option } from 'commander'
import type { CachedAccount } from '../../credential-plugin/cached-accounts.js'
import { cacheDirectory, hasBrowser } from '../../credential-plugin/index.js'
import type { Terminal } from '../terminal.js'
import { addAccountOptions, type AccountOptions } from './login/account-options.js'
import { findCachedAccount } from './login/cached-account.js'

interface LogoutOptions extends AccountOptions {
  readonly all?: true
}

export function logoutCommand (terminal: Terminal): Command {
  return addAccountOptions(new Command('logout').description('remove a cached token, and end the session of the browser'))
    .option('--username <name>', 'username that was passed to login')
    .addOption(new Option('--all', 'remove every cached token').conflicts(['issuer', 'client', 'certificateAuthority', 'certificateAuthorityData', 'username']))
    .addHelpText('after', `
Opens the sign-out page of the sign-in service, or prints its URL if there is no browser. A
token that was copied elsewhere stays valid until it expires or is revoked.

Examples:
  $ authn-webhook logout
  $ authn-webhook logout --issuer https://login.example.com --client production
  $ authn-webhook logout --all`)
    .action(async (options: LogoutOptions) => {
      const directory = cacheDirectory()
      const accounts = options.all === true ? await removeAll(directory) : await removeOne(directory, options)
      if (accounts === undefined) {
        terminal.note('no cached token; nothing to remove')
        return
      }
      const { endSessionURL } = await import('../../credential-plugin/cached-accounts.js')
      const urls = new Map(accounts.flatMap(({ entry }) => {
        const url = endSessionURL(entry)
        // one session for all clients of a service
        return url === undefined ? [] : [[url.origin + url.pathname, url] as const]
      }))
      for (const url of urls.values()) await endSession(terminal, url)
    })
}

/** `undefined` if there is none. */
async function removeOne (directory: string, options: LogoutOptions): Promise<readonly CachedAccount[] | undefined> {
  const { removeCachedAccount } = await import('../../credential-plugin/cached-accounts.js')
  const account = await findCachedAccount(directory, options)
  if (account === undefined) return undefined
  removeCachedAccount(directory, account)
  return [account]
}

/** Those that can be read. `undefined` if there is nothing. */
async function removeAll (directory: string): Promise<readonly CachedAccount[] | undefined> {
  const { allCachedAccounts } = await import('../../credential-plugin/cached-accounts.js')
  const { removeEverything } = await import('../../credential-plugin/cache/entries.js')
  const accounts = allCachedAccounts(directory)
  return removeEverything(directory) ? accounts : undefined
}

async function endSession (terminal: Terminal, url: URL): Promise<void> {
  const { openBrowser } = await import('../../credential-plugin/flows/open-browser.js')
  if (terminal.interactive && hasBrowser(terminal.env) && await openBrowser(url)) terminal.note(`Removed the token. To end the session of the browser, continue there: ${url.href}`)
  else terminal.print(`Removed the token. To end the session of your browser, open ${url.href}`)
}
