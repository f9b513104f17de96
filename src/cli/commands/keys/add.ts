/** `authn-webhook keys add` */
import { Command } from 'commander'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../../terminal.js'
import { formatYaml } from '../../../printable-yaml.js'
import { addDirectoryOption, type DirectoryOptions } from './options.js'

interface AddOptions extends DirectoryOptions {
  readonly output: OutputFormat
}

export function addKeyCommand (terminal: Terminal): Command {
  return addDirectoryOption(new Command('add').description('create a key'))
    .addOption(outputOption)
    .addHelpText('after', `
Writes NAME.key (mode 0600) and NAME.crt, a self-signed certificate with its public
half; NAME is the date. Creates the directory if it does not exist. Prints the ID of
the key (kid) and the lines for the config, and says when to let the key sign.

Examples:
  $ authn-webhook keys add --dir keys
  $ authn-webhook keys add --dir /etc/authn-webhook/keys -o json`)
    .action(async ({ dir, output }: AddOptions) => { await addKey(dir, output, terminal) })
}

async function addKey (dir: string, output: OutputFormat, terminal: Terminal): Promise<void> {
  const { createSigningKey, listSigningKeys } = await import('../../../session-keys/key-directory.js')
  const { resolve } = await import('node:path')
  const key = await createSigningKey(resolve(dir))
  const isFirst = !(await listSigningKeys(resolve(dir))).some(({ name, keyFile }) => name !== key.name && keyFile !== undefined)
  const { kid, name, certFile, keyFile, createdAt } = key
  await printResult(terminal, output, { name, kid, certFile, keyFile, createdAt }, () => [
    `kid: ${kid}`,
    ...formatYaml({ login: { signingKeys: [{ certFile, keyFile }] } }).trimEnd().split('\n')
  ])
  terminal.note(isFirst ? FIRST : next(certFile))
}

const FIRST = [
  'Add these lines to the config of the sign-in service, and the certificate to',
  'sessions.certFiles of every other process that reviews tokens.'
]

function next (certFile: string): string[] {
  return [
    `1. Put this key last in login.signingKeys, and ${certFile}`,
    '   in sessions.certFiles of every process that reviews tokens; restart all of them.',
    '   The key is published, and the old one still signs.',
    '2. Then move it first in login.signingKeys, and restart the sign-in service:',
    '   the new key signs. If a process that reviews does not have it yet, that process',
    '   denies new tokens.',
    '3. When the last token of the old key has expired (login.tokenTTL after step 2),',
    '   remove the old key from the config, and run "authn-webhook keys retire".'
  ]
}
