/** The options that name an account: `login`, `logout` and `whoami` have them. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import { trustOf, type Account, type ExecInfo } from '../../../credential-plugin/index.js'
import { readText } from '../../../documents/text.js'
import { CommandError } from '../../command-error.js'

export interface AccountOptions {
  readonly issuer?: string
  readonly client?: string
  readonly certificateAuthority?: string
  /** PEM. */
  readonly certificateAuthorityData?: string
  readonly username?: string
}

export function addAccountOptions (command: Command): Command {
  return command
    .addOption(new Option('--issuer <url>', 'URL of the sign-in service').argParser(parseIssuer))
    .option('--client <id>', 'ID of the client, as the sign-in service knows the cluster')
    .addOption(new Option('--certificate-authority <file>', 'CA of the sign-in service').conflicts('certificateAuthorityData'))
    .addOption(new Option('--certificate-authority-data <base64>', 'CA of the sign-in service, as in kubeconfigs').argParser(parseData))
}

/** @throws CommandError if the command line does not name one */
export async function readAccount (options: AccountOptions, info: ExecInfo | undefined): Promise<Account> {
  const { issuer, client, ...given } = await readPartialAccount(options, info)
  if (issuer === undefined) throw new CommandError('--issuer is required: the URL of the sign-in service, as in your kubeconfig')
  if (client === undefined || client === '') throw new CommandError('--client is required: the ID of the client, as in your kubeconfig')
  return { issuer, client, ...given }
}

export async function readPartialAccount ({ issuer, client, certificateAuthority: file, certificateAuthorityData: data, username }: AccountOptions, info?: ExecInfo): Promise<Partial<Account>> {
  return { ...issuer !== undefined && { issuer }, ...client !== undefined && { client }, ca: data ?? (file === undefined ? await trustOf(info) : await readText(file, { pipes: true })), username }
}

function parseIssuer (text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'https:') throw new InvalidArgumentError('It must be an https URL.')
  if (url.username !== '' || url.password !== '') throw new InvalidArgumentError('It must not contain a username or password.')
  if (url.search !== '' || url.hash !== '') throw new InvalidArgumentError('It must not have a query or a fragment.')
  return text
}

function parseData (text: string): string {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw new InvalidArgumentError('It must be a PEM file in base64.')
  return Buffer.from(text, 'base64').toString()
}
