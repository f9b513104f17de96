/** `authn-webhook keys retire` */
import { resolve } from 'node:path'
import { Command } from 'commander'
import { CommandError } from '../../command-error.js'
import { loadConfigFile, tokenTTLOf } from '../../sessions-config.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../../terminal.js'
import { addDirectoryOption, lastExpiry, type DirectoryOptions } from './options.js'

interface RetireOptions extends DirectoryOptions {
  readonly yes?: boolean
  readonly config?: string
  readonly output: OutputFormat
}

export function retireKeyCommand (terminal: Terminal): Command {
  return addDirectoryOption(new Command('retire').description('delete a private key, and keep its certificate').argument('<name>', 'name of the key, such as 2026-11-26'))
    .option('-y, --yes', 'do not ask')
    .option('-c, --config <file>', 'config of the sign-in service: fails if it names the key')
    .addOption(outputOption)
    .addHelpText('after', `
The key must no longer be in login.signingKeys: pass --config to have that checked. Tokens
that it has signed are accepted until they expire; the command says how long to
keep the certificate in sessions.certFiles. If the key has leaked, remove the
certificate at once: that ends all of its tokens.

Examples:
  $ authn-webhook keys retire 2026-11-26 --dir keys
  $ authn-webhook keys retire 2026-11-26 --dir keys --config authn-webhook.yaml --yes`)
    .action(async (name: string, options: RetireOptions) => { await retireKey(name, options, terminal) })
}

async function retireKey (name: string, { dir, yes = false, config: file, output }: RetireOptions, terminal: Terminal): Promise<void> {
  const { findSigningKey, retireSigningKey } = await import('../../../session-keys/key-directory.js')
  const { kid, certFile, keyFile } = await findSigningKey(resolve(dir), name)
  const loaded = file === undefined ? undefined : await loadConfigFile(file, terminal)
  if (loaded?.config.login?.signingKeys.some(key => key.keyFile === keyFile) === true) {
    throw new CommandError(`${loaded.file} names ${keyFile} in login.signingKeys: remove it there, restart the sign-in service, then retire the key`)
  }
  if (!yes && !/^y(es)?$/i.test((await terminal.prompt(`Delete ${keyFile} for good? [y/N] `, { instead: '--yes' })).trim())) {
    throw new CommandError('nothing was deleted')
  }
  await retireSigningKey({ keyFile })
  const tokensExpireAt = lastExpiry(tokenTTLOf(loaded?.config))
  await printResult(terminal, output, { name, kid, certFile, deleted: keyFile, tokensExpireAt }, () => `deleted ${keyFile}`)
  terminal.note([
    `Its tokens are accepted until they expire, at the latest at ${tokensExpireAt.toISOString().slice(0, 19)}Z. Until then, keep`,
    `${certFile} in sessions.certFiles; then remove it there, and delete it.`
  ])
}
