/** `authn-webhook webhook-config --authentication-config` */
import { Option } from 'commander'
import { didYouMean } from '../../../documents/spelling.js'
import { sessionsOf } from '../../../config/sessions.js'
import { CommandError } from '../../command-error.js'
import { loadConfigFile } from '../../sessions-config.js'
import { linesOfText, printResult, type OutputFormat, type Terminal } from '../../terminal.js'
import { repeatable } from '../options.js'

export interface AuthenticationConfigOptions {
  readonly authenticationConfig?: true
  readonly certificateAuthority?: string
  readonly client?: readonly string[]
  readonly config?: string
  readonly output: OutputFormat
}

export const authenticationConfigOption = new Option('--authentication-config', 'print the settings to verify session tokens natively')
  .conflicts(['server', 'embedCerts', 'for', 'clientCertificate', 'clientKey', 'tlsServerName'])

export const clientOption = repeatable('--client <id>', 'with --authentication-config: ID of the cluster\'s client')

/** @throws CommandError for options that would have no effect */
export function rejectWithoutAuthenticationConfig ({ client, config }: AuthenticationConfigOptions): void {
  const option = client !== undefined ? '--client' : config !== undefined ? '--config' : undefined
  if (option !== undefined) throw new CommandError(`${option} needs --authentication-config`)
}

export async function printAuthenticationConfig ({ config: file, client, certificateAuthority, output }: AuthenticationConfigOptions, terminal: Terminal): Promise<void> {
  const { createAuthenticationConfig, formatAuthenticationConfig } = await import('../../authentication-config.js')
  const { readCertificates } = await import('../../../certificates/pem.js')
  const { config, file: loaded } = await loadConfigFile(file, terminal)
  const sessions = sessionsOf(config)
  if (sessions === undefined) throw new CommandError(`${loaded} has neither "login" nor "sessions": there are no session tokens to verify`)
  const { issuer, audiences } = sessions
  const unknown = client?.find(id => !audiences.includes(id))
  if (unknown !== undefined) throw new CommandError(`${loaded} has no client ${JSON.stringify(unknown)}${didYouMean(unknown, audiences)}`)
  if (client === undefined && audiences.length > 1) {
    terminal.note(`warning: the API server will accept tokens of all clients (${audiences.join(', ')}), also those for other clusters; pass --client with the cluster's own`)
  }
  const caFile = certificateAuthority ?? config.login?.certificateAuthorityFile
  if (caFile === undefined && config.login?.tls !== undefined) {
    terminal.note('warning: without --certificate-authority, the certificate of the sign-in service must be one that the API server\'s machine trusts')
  }
  const ca = caFile === undefined ? undefined : await readCertificates(caFile, { pipes: certificateAuthority !== undefined })
  const printed = createAuthenticationConfig({ issuer, audiences: client ?? audiences, certificateAuthority: ca?.pem })
  await printResult(terminal, output, printed, () => linesOfText(formatAuthenticationConfig(printed)))
}
